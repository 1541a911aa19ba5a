//! The specification of a guest's machine, the same for every hypervisor.

use std::os::fd::BorrowedFd;
use std::path::Path;

use crate::config::Network;

/// The machine of a guest.
#[derive(Clone, Copy, Debug)]
pub struct MachineSpec<'a> {
    /// Architecture, by its name in Nix.
    pub arch: &'a str,
    /// Number of virtual CPUs.
    pub vcpu: u32,
    /// Memory, in MiB.
    pub memory_mib: u64,
    /// The kernel.
    pub kernel: &'a Path,
    /// The initial RAM disk.
    pub initrd: &'a Path,
    /// The part of the kernel command line that the runner defines.
    pub cmdline: &'a str,
    /// Disks, in the order of the devices.
    pub disks: &'a [DiskImage<'a>],
    /// Network of the guest.
    pub network: Network,
}

/// A disk of a machine, as a raw image.
#[derive(Clone, Copy, Debug)]
pub struct DiskImage<'a> {
    /// Serial number by which the guest identifies the disk.
    pub serial: &'a str,
    /// Path of the image.
    pub path: &'a Path,
    /// The image itself, if it is in memory alone; the path is then no file.
    pub memory: Option<BorrowedFd<'a>>,
    /// True if the guest may only read the disk.
    pub read_only: bool,
}
