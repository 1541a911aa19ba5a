//! The devices of `--device`; the options of disks and networks are in files of their own.

use anyhow::{Result, anyhow, bail, ensure};
use serde::Serialize;

use crate::disk::{Disk, NetworkDisk};
use crate::net::Net;
use crate::number;
use crate::parts::{self, Part};

/// A device; its JSON is that of vfkit.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all_fields = "camelCase")]
pub enum Device {
    #[serde(rename = "virtioblk")]
    Blk(Disk),
    #[serde(rename = "nvme")]
    Nvme(Disk),
    #[serde(rename = "usbmassstorage")]
    UsbMassStorage(Disk),
    #[serde(rename = "nbd")]
    Nbd(NetworkDisk),
    #[serde(rename = "virtiofs")]
    Fs { mount_tag: String, shared_dir: String },
    #[serde(rename = "rosetta")]
    Rosetta { mount_tag: String, install_rosetta: bool, ignore_if_missing: bool },
    #[serde(rename = "virtionet")]
    Net(Net),
    #[serde(rename = "virtioserial")]
    Serial(Serial),
    #[serde(rename = "virtiorng")]
    Rng,
    #[serde(rename = "virtioballoon")]
    Balloon,
    #[serde(rename = "virtiogpu")]
    Gpu {
        #[serde(rename = "usesGUI")]
        uses_gui: bool,
        width: i64,
        height: i64,
    },
    #[serde(rename = "virtioinput")]
    Input { input_type: String },
    #[serde(rename = "virtiosock")]
    Vsock {
        port: u32,
        #[serde(rename = "socketURL")]
        socket_url: String,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        listen: bool,
    },
}

/// The target of a console.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Serial {
    LogFile {
        #[serde(rename = "logFile")]
        path: String,
    },
    Stdio {
        #[serde(rename = "usesStdio")]
        yes: bool,
    },
    Pty {
        #[serde(rename = "usesPty")]
        yes: bool,
    },
}

impl Device {
    /// Reads the value of a `--device`; quotes don't protect a comma here.
    pub fn read(text: &str) -> Result<Self> {
        let mut words = text.split(',');
        let name = words.next().unwrap_or_default();
        let options = &*parts::pairs(words);
        match name {
            "virtio-blk" => Disk::read("virtio-blk", options).map(Self::Blk),
            "nvme" => Disk::read("nvme", options).map(Self::Nvme),
            "usb-mass-storage" => Disk::read("usb-mass-storage", options).map(Self::UsbMassStorage),
            "nbd" => NetworkDisk::read(options).map(Self::Nbd),
            "virtio-fs" => fs(options),
            "rosetta" => rosetta(options),
            "virtio-net" => Net::read(options).map(Self::Net),
            "virtio-serial" => Serial::read(options).map(Self::Serial),
            "virtio-rng" => none(name, options).map(|()| Self::Rng),
            "virtio-balloon" => none(name, options).map(|()| Self::Balloon),
            "virtio-gpu" => gpu(options),
            "virtio-input" => input(options),
            "virtio-vsock" => vsock(options),
            other => bail!("unknown device type: {other}"),
        }
    }
}

impl Serial {
    fn read(options: &[Part<'_>]) -> Result<Self> {
        let (mut path, mut stdio, mut pty) = ("", false, false);
        for &(key, value) in options {
            match key {
                "logFilePath" => path = value,
                "stdio" => {
                    ensure!(value.is_empty(), "unexpected value for virtio-serial 'stdio' option: {value}");
                    stdio = true;
                }
                "pty" => pty = true,
                _ => bail!("unknown option for virtio-serial devices: {key}"),
            }
        }
        match (path, stdio, pty) {
            ("", false, false) => bail!("one of 'logFilePath', 'stdio' or 'pty' must be set"),
            ("", true, true) => bail!("'stdio' and 'pty' cannot be set at the same time"),
            ("", true, false) => Ok(Self::Stdio { yes: true }),
            ("", false, true) => Ok(Self::Pty { yes: true }),
            (_, true, _) => bail!("'logFilePath' and 'stdio' cannot be set at the same time"),
            (_, false, true) => bail!("'logFilePath' and 'pty' cannot be set at the same time"),
            (path, false, false) => Ok(Self::LogFile { path: path.to_owned() }),
        }
    }
}

fn none(name: &str, options: &[Part<'_>]) -> Result<()> {
    let unknown: Vec<String> = options.iter().map(|(key, value)| format!("{{{key} {value}}}")).collect();
    ensure!(unknown.is_empty(), "unknown options for {name} devices: [{}]", unknown.join(" "));
    Ok(())
}

fn fs(options: &[Part<'_>]) -> Result<Device> {
    let (mut mount_tag, mut shared_dir) = ("", "");
    for &(key, value) in options {
        match key {
            "sharedDir" => shared_dir = value,
            "mountTag" => mount_tag = value,
            _ => bail!("unknown option for virtio-fs devices: {key}"),
        }
    }
    Ok(Device::Fs { mount_tag: mount_tag.to_owned(), shared_dir: shared_dir.to_owned() })
}

fn rosetta(options: &[Part<'_>]) -> Result<Device> {
    let (mut mount_tag, mut install_rosetta, mut ignore_if_missing) = ("", false, false);
    for &(key, value) in options {
        match key {
            "mountTag" => mount_tag = value,
            "install" => install_rosetta = true,
            "ignore-if-missing" => ignore_if_missing = true,
            _ => bail!("unknown option for rosetta share: {key}"),
        }
    }
    Ok(Device::Rosetta { mount_tag: mount_tag.to_owned(), install_rosetta, ignore_if_missing })
}

fn gpu(options: &[Part<'_>]) -> Result<Device> {
    let (mut width, mut height) = (0, 0);
    for &(key, value) in options {
        let side = match key {
            "width" => &mut width,
            "height" => &mut height,
            _ => bail!("unknown option for virtio-gpu devices: {key}"),
        };
        let number = number::signed(value).ok().filter(|number| *number >= 1);
        *side = number.ok_or_else(|| anyhow!("invalid value for virtio-gpu {key}: {value}"))?;
    }
    if (width, height) == (0, 0) {
        (width, height) = (800, 600);
    }
    ensure!(width > 0 && height > 0, "invalid dimensions for virtio-gpu device resolution: {width}x{height}");
    Ok(Device::Gpu { uses_gui: false, width, height })
}

fn input(options: &[Part<'_>]) -> Result<Device> {
    let mut input_type = "";
    for &(key, value) in options {
        ensure!(["pointing", "keyboard"].contains(&key), "unknown option for virtio-input devices: {key}");
        ensure!(value.is_empty(), "unexpected value for virtio-input {key} option: {value}");
        input_type = key;
    }
    ensure!(!input_type.is_empty(), "unknown option for virtio-input devices: ");
    Ok(Device::Input { input_type: input_type.to_owned() })
}

fn vsock(options: &[Part<'_>]) -> Result<Device> {
    let (mut port, mut socket_url, mut listen) = (0, "", true);
    for &(key, value) in options {
        match key {
            "socketURL" => socket_url = value,
            "port" => port = number::unsigned_32(value).map_err(|error| anyhow!(error))?,
            "listen" => listen = true,
            "connect" => listen = false,
            _ => bail!("unknown option for virtio-vsock devices: {key}"),
        }
    }
    Ok(Device::Vsock { port, socket_url: socket_url.to_owned(), listen })
}
