//! The machine that a guest gets, whatever the hypervisor.

use std::path::Path;

use crate::config::Network;

/// A machine to boot.
#[derive(Clone, Copy, Debug)]
pub struct Machine<'a> {
    /// Its architecture, as Nix calls it.
    pub arch: &'a str,
    /// Virtual CPUs.
    pub vcpu: u32,
    /// Memory, in MiB.
    pub memory_mib: u64,
    /// The kernel.
    pub kernel: &'a Path,
    /// The initial RAM disk.
    pub initrd: &'a Path,
    /// The guest's own part of the kernel command line.
    pub cmdline: &'a str,
    /// The disks, in order.
    pub disks: &'a [Disk<'a>],
    /// Its network.
    pub network: Network,
}

/// A disk of a machine: a raw image.
#[derive(Clone, Copy, Debug)]
pub struct Disk<'a> {
    /// By what the guest knows it.
    pub serial: &'a str,
    /// The image.
    pub path: &'a Path,
    /// Whether the guest may only read it.
    pub read_only: bool,
}
