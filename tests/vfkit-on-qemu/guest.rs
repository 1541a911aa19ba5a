//! A guest that passed the checks of vfkit and Virtualization.framework after the command line, in the order of vfkit
//! (`pkg/vf`).

use std::fs::{self, File, OpenOptions};
use std::io::{IsTerminal as _, Read as _};
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};

use crate::bootloader::Bootloader;
use crate::device::{Device, Serial};
use crate::disk::Disk;
use crate::start::Machine;

/// The tag of a share is shorter than this, in bytes (`VZVirtioFileSystemDeviceConfiguration.h`, `validateTag`).
const TAG_LIMIT: usize = 36;
/// The longest identifier of a disk, in bytes (`VZVirtioBlockDeviceConfiguration.h`, `validateBlockDeviceIdentifier`).
const MAX_IDENTIFIER: usize = 20;
/// The length of a disk image is a multiple of this; otherwise its format "is not recognized" (lima#3390).
const SECTOR: u64 = 512;

/// A guest.
#[derive(Debug)]
pub struct Guest<'a> {
    /// Virtual CPUs.
    pub vcpus: u64,
    /// Memory, in MiB.
    pub memory_mib: u64,
    /// Path of the kernel.
    pub kernel: &'a str,
    /// Command line of the kernel.
    pub cmdline: &'a str,
    /// Path of the initial RAM disk.
    pub initrd: &'a str,
    /// Files of the consoles.
    pub consoles: Vec<&'a str>,
    /// Disks.
    pub disks: Vec<&'a Disk>,
    /// Addresses of the networks; an address may be empty.
    pub networks: Vec<&'a str>,
    /// Shares, each with its tag and folder.
    pub shares: Vec<(&'a str, &'a str)>,
    /// Number of sources of randomness.
    pub rngs: usize,
    /// True if the host can take memory back.
    pub balloon: bool,
}

impl<'a> Guest<'a> {
    /// Checks a machine, and empties the files of its consoles.
    pub fn check(machine: &'a Machine) -> Result<Self> {
        ensure!(!machine.nested, "nested virtualization is not supported");
        let Bootloader::Linux { vmlinuz_path: kernel, kernel_cmd_line: cmdline, initrd_path: initrd } =
            &machine.bootloader
        else {
            bail!("the stand-in boots no firmware, only `--bootloader linux`")
        };
        check_kernel(kernel)?;
        fs::metadata(initrd).with_context(|| format!("stat {initrd}"))?;
        ensure!(machine.vcpus > 0, "invalid virtual machine configuration: no CPU");
        ensure!(machine.memory_bytes > 0, "invalid virtual machine configuration: no memory");
        let mut guest = Self {
            vcpus: machine.vcpus,
            memory_mib: machine.memory_bytes >> 20,
            kernel,
            cmdline,
            initrd,
            consoles: Vec::new(),
            disks: Vec::new(),
            networks: Vec::new(),
            shares: Vec::new(),
            rngs: 0,
            balloon: false,
        };
        for device in &machine.devices {
            guest.add(device)?;
        }
        ensure!(machine.timesync.is_none(), "the stand-in has no virtio-vsock, which --timesync needs");
        ensure!(machine.ignition.is_none(), "the stand-in has no virtio-vsock, which --ignition needs");
        Ok(guest)
    }

    fn add(&mut self, device: &'a Device) -> Result<()> {
        match device {
            Device::Blk(disk) => {
                check_disk(disk)?;
                self.disks.push(disk);
            }
            Device::Fs { mount_tag, shared_dir } => {
                let share = check_share(mount_tag, shared_dir)?;
                ensure!(self.shares.iter().all(|(tag, _)| *tag != share.0), "two shares have the tag {:?}", share.0);
                self.shares.push(share);
            }
            Device::Net(net) => {
                ensure!(net.nat, "the stand-in has no virtio-net but `nat`");
                ensure!(["".len(), "52:54:00:00:00:01".len()].contains(&net.mac_address.len()), "invalid MAC address");
                self.networks.push(&net.mac_address);
            }
            Device::Serial(Serial::LogFile { path }) => {
                File::create(path).with_context(|| format!("making the console's file {path}"))?;
                self.consoles.push(path);
            }
            Device::Serial(Serial::Stdio { .. }) => {
                ensure!(std::io::stdin().is_terminal(), "inappropriate ioctl for device: stdin is no terminal");
                bail!("the stand-in has no virtio-serial but `logFilePath`")
            }
            Device::Serial(Serial::Pty { .. }) => bail!("the stand-in has no virtio-serial but `logFilePath`"),
            Device::Rng => self.rngs += 1,
            Device::Balloon => self.balloon = true,
            Device::Nvme(_) => bail!("the stand-in has no nvme"),
            Device::UsbMassStorage(_) => bail!("the stand-in has no usb-mass-storage"),
            Device::Nbd(_) => bail!("the stand-in has no nbd"),
            Device::Rosetta { .. } => bail!("rosetta is unsupported on non-arm64 platforms"),
            Device::Gpu { .. } => bail!("the stand-in has no virtio-gpu"),
            Device::Input { .. } => bail!("the stand-in has no virtio-input"),
            Device::Vsock { .. } => bail!("the stand-in has no virtio-vsock"),
        }
        Ok(())
    }
}

/// Checks for the marks of kernels: Documentation/arch/arm64/booting.rst and x86/boot.rst.
fn check_kernel(path: &str) -> Result<()> {
    let mut head = Vec::new();
    let file = File::open(path).with_context(|| format!("open {path}"))?;
    file.take(2048).read_to_end(&mut head).with_context(|| format!("read {path}"))?;
    let marked = |at: usize, mark: &[u8]| head.get(at..at + mark.len()) == Some(mark);
    ensure!(!marked(0x38, b"ARMd"), "{path} is a kernel for arm64, and the stand-in is an x86_64 machine");
    ensure!(marked(0x202, b"HdrS") || marked(0, b"\x7fELF"), "{path} is no kernel for x86_64, or a compressed one");
    Ok(())
}

fn check_disk(disk: &Disk) -> Result<()> {
    let path = &disk.image_path;
    if disk.backend == "dev" {
        let kind = fs::symlink_metadata(path).with_context(|| format!("error stating file {path}"))?.file_type();
        ensure!(kind.is_block_device(), "file {path} is not a block device");
        bail!("the stand-in has no disks but images");
    }
    let file = OpenOptions::new().read(true).write(!disk.read_only).open(path);
    let length = file.and_then(|file| file.metadata()).with_context(|| format!("opening the disk image {path}"))?.len();
    ensure!(length % SECTOR == 0, "invalid disk image {path}: the disk image format is not recognized");
    let identifier = &disk.device_identifier;
    ensure!(
        identifier.is_ascii() && identifier.len() <= MAX_IDENTIFIER,
        "invalid virtual machine configuration: the identifier {identifier:?} of a disk is longer than {MAX_IDENTIFIER} \
         bytes, or not ASCII"
    );
    Ok(())
}

/// Returns a share's tag and folder.
fn check_share<'a>(tag: &'a str, folder: &'a str) -> Result<(&'a str, &'a str)> {
    ensure!(!folder.is_empty(), "missing mandatory 'sharedDir' option for virtio-fs device");
    let kind = fs::metadata(folder).with_context(|| format!("stat {folder}"))?;
    ensure!(kind.is_dir(), "invalid virtual machine configuration: {folder} is no folder");
    let name = Path::new(folder).file_name().and_then(|name| name.to_str()).unwrap_or("/");
    let tag = if tag.is_empty() { name } else { tag };
    ensure!(
        tag.len() < TAG_LIMIT,
        "invalid virtual machine configuration: the tag {tag:?} of a share isn't shorter than {TAG_LIMIT} bytes"
    );
    Ok((tag, folder))
}
