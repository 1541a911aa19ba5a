//! What a command line starts, read in vfkit's order, so that of several errors the same one is told.

use std::fs::File;
use std::path::Path;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use serde::Serialize;

use crate::bootloader::Bootloader;
use crate::device::Device;
use crate::options::Options;
use crate::restful::{self, Endpoint};
use crate::{number, parts};

/// The machine, in JSON as vfkit tells it over REST.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Machine {
    /// Virtual CPUs.
    pub vcpus: u64,
    /// Memory.
    pub memory_bytes: u64,
    /// What boots it.
    pub bootloader: Bootloader,
    /// The devices, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<Device>,
    /// How its clock is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timesync: Option<TimeSync>,
    /// What Ignition reads in the guest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignition: Option<Ignition>,
    /// Whether the guest can virtualise, too.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub nested: bool,
}

/// How the guest's clock is set.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TimeSync {
    vsock_port: u32,
}

/// What Ignition reads in the guest.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename = "ignition", rename_all = "camelCase")]
pub struct Ignition {
    config_path: String,
}

/// Everything that a command line says.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Start {
    /// The machine.
    #[serde(flatten)]
    pub machine: Machine,
    /// Where REST calls are taken.
    pub restful_uri: Option<Endpoint>,
    /// Where the process id goes.
    pub pidfile: String,
    /// How much to say.
    pub log_level: String,
    /// The files for cloud-init; vfkit puts them on one more disk.
    pub cloud_init: Vec<String>,
    /// Whether there is a window.
    pub gui: bool,
}

impl Start {
    /// Reads it.
    pub fn read(options: &Options) -> Result<Self> {
        let log_level = options.log_level.clone();
        ensure!(["", "error", "debug", "info"].contains(&&*log_level), "unknown log level: {log_level}");
        let mut machine = Machine {
            vcpus: options.cpus,
            // It wraps in vfkit, too.
            memory_bytes: options.memory.wrapping_mul(1 << 20),
            bootloader: Bootloader::read(options)?,
            timesync: timesync(&options.timesync)?,
            devices: Vec::new(),
            ignition: None,
            nested: options.nested,
        };
        look_for_cloud_init(&options.cloud_init)?;
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

/// Looks for the files for cloud-init, which have to be there and of which one at least has to have its name.
fn look_for_cloud_init(files: &[String]) -> Result<()> {
    let mut found = files.is_empty();
    for file in files.iter().filter(|file| !file.is_empty()) {
        File::open(file).with_context(|| format!("open {file}"))?;
        found |= Path::new(file).file_name().is_some_and(|name| name == "user-data" || name == "meta-data");
    }
    ensure!(found, "cloud-init needs user-data and meta-data files to work");
    Ok(())
}

/// Adds what a window needs, and has the first screen in it.
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
