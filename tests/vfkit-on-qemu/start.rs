//! The parts of a command line, read in the order of vfkit, so that the first of several errors is the same.

use std::fs::File;
use std::path::Path;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use serde::Serialize;

use crate::bootloader::Bootloader;
use crate::device::Device;
use crate::options::Options;
use crate::restful::{self, Endpoint};
use crate::{number, parts};

/// The machine; its JSON is that of vfkit over REST.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Machine {
    /// Virtual CPUs.
    pub vcpus: u64,
    /// Memory in bytes.
    pub memory_bytes: u64,
    /// Bootloader.
    pub bootloader: Bootloader,
    /// Devices, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<Device>,
    /// Synchronization of the clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timesync: Option<TimeSync>,
    /// File that Ignition reads in the guest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignition: Option<Ignition>,
    /// True if the guest can run virtual machines, too.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub nested: bool,
}

/// Synchronization of the guest's clock.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TimeSync {
    vsock_port: u32,
}

/// File that Ignition reads in the guest.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename = "ignition", rename_all = "camelCase")]
pub struct Ignition {
    config_path: String,
}

/// All parts of a command line.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Start {
    /// The machine.
    #[serde(flatten)]
    pub machine: Machine,
    /// Address of the REST service.
    pub restful_uri: Option<Endpoint>,
    /// File for the process id.
    pub pidfile: String,
    /// Level of the log.
    pub log_level: String,
    /// Files for cloud-init, which vfkit puts on another disk.
    pub cloud_init: Vec<String>,
    /// True for a window.
    pub gui: bool,
}

impl Start {
    /// Parses the options.
    pub fn read(options: &Options) -> Result<Self> {
        let log_level = options.log_level.clone();
        ensure!(["", "error", "debug", "info"].contains(&&*log_level), "unknown log level: {log_level}");
        let mut machine = Machine {
            vcpus: options.cpus,
            // The multiplication wraps in vfkit, too.
            memory_bytes: options.memory.wrapping_mul(1 << 20),
            bootloader: Bootloader::read(options)?,
            timesync: timesync(&options.timesync)?,
            devices: Vec::new(),
            ignition: None,
            nested: options.nested,
        };
        check_cloud_init(&options.cloud_init)?;
        machine.devices = options.devices.iter().map(|text| Device::read(text)).collect::<Result<_>>()?;
        if options.gui {
            add_screen(&mut machine.devices);
        }
        machine.ignition = ignition(&options.ignition).context("failed to add ignition file")?;
        let uri = &options.restful_uri;
        let restful_uri = (uri != restful::NONE).then(|| Endpoint::read(uri)).transpose()?;
        Ok(Self {
            machine,
            restful_uri,
            pidfile: options.pidfile.clone(),
            log_level,
            cloud_init: options.cloud_init.clone(),
            gui: options.gui,
        })
    }
}

fn timesync(text: &str) -> Result<Option<TimeSync>> {
    if text.is_empty() {
        return Ok(None);
    }
    let mut vsock_port = 0;
    for (key, value) in parts::pairs(text.split(',')) {
        ensure!(key == "vsockPort", "unknown option for timesync parameter: {key}");
        vsock_port = number::unsigned_32(value).map_err(|error| anyhow!(error))?;
    }
    ensure!(vsock_port != 0, "missing 'vsockPort' option for timesync parameter");
    Ok(Some(TimeSync { vsock_port }))
}

/// Checks that the files for cloud-init exist, and that at least one has a name of cloud-init.
fn check_cloud_init(files: &[String]) -> Result<()> {
    let mut has_file = files.is_empty();
    for file in files.iter().filter(|file| !file.is_empty()) {
        File::open(file).with_context(|| format!("open {file}"))?;
        has_file |= Path::new(file).file_name().is_some_and(|name| name == "user-data" || name == "meta-data");
    }
    ensure!(has_file, "cloud-init needs user-data and meta-data files to work");
    Ok(())
}

/// Adds the devices of a window, which shows the first screen.
fn add_screen(devices: &mut Vec<Device>) {
    let is_gpu = |device: &Device| matches!(device, Device::Gpu { .. });
    if !devices.iter().any(is_gpu) {
        devices.push(Device::Gpu { uses_gui: false, width: 800, height: 600 });
    }
    if !devices.iter().any(|device| matches!(device, Device::Input { .. })) {
        devices.push(Device::Input { input_type: "keyboard".to_owned() });
    }
    if let Some(Device::Gpu { uses_gui, .. }) = devices.iter_mut().find(|device| is_gpu(device)) {
        *uses_gui = true;
    }
}

fn ignition(text: &str) -> Result<Option<Ignition>> {
    match text {
        "" => Ok(None),
        text if text.contains(',') => bail!("ignition only accepts one option in command line argument"),
        text => Ok(Some(Ignition { config_path: text.to_owned() })),
    }
}
