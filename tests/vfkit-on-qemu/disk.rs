//! The devices of disks: an image or a device of the host, or a disk of a server.

use std::fs::File;
use std::io::Read as _;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use serde::Serialize;

use crate::number;
use crate::parts::Part;

/// The first bytes of a qcow2 image.
const QCOW2: [u8; 4] = *b"QFI\xfb";

/// A disk with its content on the host.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Disk {
    dev_name: &'static str,
    /// True if the guest can't write to the disk.
    #[serde(skip_serializing_if = "is_false")]
    pub read_only: bool,
    /// Path of the file.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub image_path: String,
    /// `image`, `dev`, or empty for an image.
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    pub backend: String,
    /// Identifier of the disk in the guest.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub device_identifier: String,
}

impl Disk {
    /// Reads the options of a device of this name.
    pub fn read(dev_name: &'static str, options: &[Part<'_>]) -> Result<Self> {
        let mut disk = Self {
            dev_name,
            read_only: false,
            image_path: String::new(),
            backend: String::new(),
            device_identifier: String::new(),
        };
        for &(key, value) in options {
            match key {
                "path" => value.clone_into(&mut disk.image_path),
                "type" if ["", "image", "dev"].contains(&value) => value.clone_into(&mut disk.backend),
                "type" => bail!("unexpected value for disk 'type' option: {value}"),
                "readonly" => disk.read_only = read_only(value)?,
                "deviceId" if dev_name == "virtio-blk" => value.clone_into(&mut disk.device_identifier),
                _ => bail!("unknown option for {dev_name} devices: {key}"),
            }
        }
        if dev_name == "virtio-blk" {
            disk.check()?;
        }
        Ok(disk)
    }

    /// Checks the file; vfkit does this while it reads the command line.
    fn check(&self) -> Result<()> {
        let path = &self.image_path;
        let mut file = File::open(path).with_context(|| format!("failed to open file {path}"))?;
        let mut header = Vec::new();
        let read = file.by_ref().take(4).read_to_end(&mut header);
        read.with_context(|| format!("failed to read the header of file {path}"))?;
        ensure!(!header.is_empty(), "failed to read the header of file {path}: EOF");
        ensure!(header != QCOW2, "vfkit does not support qcow2 image format");
        Ok(())
    }
}

/// A disk of a server.
#[derive(Debug, Serialize)]
pub struct NetworkDisk {
    #[serde(rename = "devName")]
    dev_name: &'static str,
    #[serde(rename = "readOnly", skip_serializing_if = "is_false")]
    read_only: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    uri: String,
    #[serde(rename = "DeviceIdentifier")]
    device_identifier: String,
    /// Timeout in nanoseconds.
    #[serde(rename = "Timeout")]
    timeout: i128,
    #[serde(rename = "SynchronizationMode")]
    synchronization_mode: String,
}

impl NetworkDisk {
    /// Reads the options.
    pub fn read(options: &[Part<'_>]) -> Result<Self> {
        let mut disk = Self {
            dev_name: "nbd",
            read_only: false,
            uri: String::new(),
            device_identifier: String::new(),
            timeout: nanoseconds(15_000),
            synchronization_mode: "full".to_owned(),
        };
        // The options of network disks come first, then those of all disks.
        for &(key, value) in options {
            match key {
                "deviceId" => value.clone_into(&mut disk.device_identifier),
                "timeout" => disk.timeout = nanoseconds(number::signed_32(value).map_err(|error| anyhow!(error))?),
                "sync" if ["full", "none"].contains(&value) => value.clone_into(&mut disk.synchronization_mode),
                "sync" => bail!("invalid sync mode: {value}, must be 'full' or 'none'"),
                _ => {}
            }
        }
        for &(key, value) in options {
            match key {
                "uri" => value.clone_into(&mut disk.uri),
                "readonly" => disk.read_only = read_only(value)?,
                "deviceId" | "timeout" | "sync" => {}
                _ => bail!("unknown option for nbd devices: {key}"),
            }
        }
        Ok(disk)
    }
}

fn nanoseconds(milliseconds: i64) -> i128 {
    i128::from(milliseconds) * Duration::from_millis(1).as_nanos().cast_signed()
}

fn read_only(value: &str) -> Result<bool> {
    ensure!(value.is_empty(), "unexpected value for virtio-blk 'readonly' option: {value}");
    Ok(true)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_false(value: &bool) -> bool {
    !value
}
