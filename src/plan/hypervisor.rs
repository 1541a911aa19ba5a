//! The hypervisor of a plan and its capabilities. `src/execute` declares the capabilities of each hypervisor, and a
//! plan checks the guests against them.

use clap::ValueEnum;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::tools::Program;

/// A program that boots guests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Hypervisor {
    /// QEMU, on Linux.
    #[default]
    Qemu,
    /// vfkit, on macOS.
    Vfkit,
}

impl Hypervisor {
    /// Returns the hypervisor for a host with this Nix system.
    #[must_use]
    pub fn of_system(system: &str) -> Self {
        if system.ends_with("-darwin") { Self::Vfkit } else { Self::Qemu }
    }
}

/// Capabilities of a hypervisor, and its programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// The hypervisor.
    pub hypervisor: Hypervisor,
    /// Name for messages.
    pub name: &'static str,
    /// True if the host refuses every change to a share. Otherwise the guest gets a copy, which it may change.
    pub read_only_shares: bool,
    /// True if the host's Nix store can be shared. Otherwise a guest has a store of its own on a disk.
    pub host_store: bool,
    /// True if no file has the request to a guest and its raw output, so that its jobs may have secrets.
    pub secrets: bool,
    /// The programs, without Nix.
    pub programs: &'static [Program],
}

#[cfg(test)]
mod tests {
    use super::Hypervisor;

    #[test]
    fn linux_hosts_use_qemu_and_darwin_hosts_use_vfkit() {
        for (system, hypervisor) in [
            ("x86_64-linux", Hypervisor::Qemu),
            ("aarch64-linux", Hypervisor::Qemu),
            ("aarch64-darwin", Hypervisor::Vfkit),
            ("x86_64-darwin", Hypervisor::Vfkit),
        ] {
            assert_eq!(Hypervisor::of_system(system), hypervisor, "{system}");
        }
    }
}
