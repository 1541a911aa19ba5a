//! A network device and its address.

use anyhow::{Result, anyhow, bail, ensure};
use serde::Serialize;

use crate::number;
use crate::parts::Part;

/// A network device; its JSON is that of vfkit, except for the file descriptor.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Net {
    /// True if the host forwards the packets of the guest.
    pub nat: bool,
    /// The address in the form of vfkit, or empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub mac_address: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    fd: Option<i64>,
    #[serde(skip_serializing_if = "String::is_empty")]
    unix_socket_path: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    vfkit_magic: bool,
}

impl Net {
    /// Reads the options.
    pub fn read(options: &[Part<'_>]) -> Result<Self> {
        let mut net = Self {
            vfkit_magic: options.iter().any(|(key, _)| ["path", "unixSocketPath"].contains(key)),
            ..Self::default()
        };
        let (mut typed, mut of_type) = (false, None);
        for &(key, value) in options {
            match key {
                "nat" => {
                    ensure!(value.is_empty(), "unexpected value for virtio-net 'nat' option: {value}");
                    net.nat = true;
                }
                "mac" => net.mac_address = mac(value).ok_or_else(|| anyhow!("address {value}: invalid MAC address"))?,
                "fd" => net.fd = Some(file_descriptor(value)?),
                "unixSocketPath" => value.clone_into(&mut net.unix_socket_path),
                "type" => {
                    ensure!(value == "unixgram", "unsupported virtio-net type: {value} (only 'unixgram' is supported)");
                    typed = true;
                }
                "path" => {
                    value.clone_into(&mut net.unix_socket_path);
                    of_type.get_or_insert(key);
                }
                "vfkitMagic" => {
                    ensure!(["on", "off"].contains(&value), "invalid value for vfkitMagic: {value} (expected on/off)");
                    net.vfkit_magic = value == "on";
                }
                "offloading" => {
                    ensure!(value == "off", "invalid value for offloading: {value} (only 'off' is supported)");
                    of_type.get_or_insert(key);
                }
                _ => bail!("unknown option for virtio-net devices: {key}"),
            }
        }
        ensure!(!typed || !net.unix_socket_path.is_empty(), "'type' option requires 'path' to be specified");
        if let Some(key) = of_type.filter(|_| !typed) {
            bail!("'{key}' option requires 'type' to be specified");
        }
        net.check_backends()?;
        Ok(net)
    }

    fn check_backends(&self) -> Result<()> {
        let used =
            [("nat", self.nat), ("fd", self.fd.is_some()), ("unixSocketPath", !self.unix_socket_path.is_empty())];
        let used: Vec<&str> = used.into_iter().filter_map(|(name, used)| used.then_some(name)).collect();
        match *used {
            [_] => Ok(()),
            [] => bail!("one of 'nat' or 'fd' or 'unixSocketPath' must be set"),
            [first, second, ..] => bail!("'{first}' and '{second}' cannot be set at the same time"),
        }
    }
}

fn file_descriptor(text: &str) -> Result<i64> {
    let number = number::signed(text).map_err(|error| anyhow!(error))?;
    ensure!((0..=i64::from(i32::MAX)).contains(&number), "invalid file descriptor: {number}");
    Ok(number)
}

/// Reads an address like Go's `net.ParseMAC`: 6, 8 or 20 bytes, as pairs of digits between colons or hyphens, or as
/// groups of four digits between dots.
fn mac(text: &str) -> Option<String> {
    let separator = text.chars().find(|c| [':', '-', '.'].contains(c))?;
    let width = if separator == '.' { 4 } else { 2 };
    let groups: Vec<&str> = text.split(separator).collect();
    let well = |group: &&str| group.len() == width && group.bytes().all(|byte| byte.is_ascii_hexdigit());
    let digits = groups.concat().to_ascii_lowercase();
    if !groups.iter().all(well) || ![12, 16, 40].contains(&digits.len()) {
        return None;
    }
    let pairs: Vec<&str> = (0..digits.len()).step_by(2).map(|at| &digits[at..at + 2]).collect();
    Some(pairs.join(":"))
}
