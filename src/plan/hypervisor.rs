//! What runs guests, as far as a plan depends on it: each hypervisor says what it can beside its command line
//! (`src/execute`), and the plan checks what is asked for against that.

use clap::ValueEnum;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    /// Returns the one that a host of this system has.
    #[must_use]
    pub fn of_system(system: &str) -> Self {
        if system.ends_with("-darwin") { Self::Vfkit } else { Self::Qemu }
    }
}

/// What a hypervisor can do, and which programs it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Which hypervisor it is.
    pub hypervisor: Hypervisor,
    /// Its name, for people.
    pub name: &'static str,
    /// Whether the host refuses every change of a share; else what is shared is a copy that the guest may spoil.
    pub read_only_shares: bool,
    /// Whether the host's Nix store can be shared; else a guest has its own on a disk.
    pub host_store: bool,
    /// The programs, besides Nix.
    pub programs: &'static [Program],
}

/// A program that running guests takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Program {
    /// Its name; one that ends in `-` goes on with the guest's architecture.
    pub name: &'static str,
    /// The oldest version that has what pikaci uses of it.
    pub oldest: Option<(u32, u32)>,
    /// How to get it.
    pub install: &'static str,
}

/// The oldest Nix that pikaci works with; other implementations have numbers of their own.
pub const OLDEST_NIX: (u32, u32) = (2, 26);

/// What builds guests.
pub const NIX: Program = Program {
    name: "nix",
    oldest: Some(OLDEST_NIX),
    install: "see https://nixos.org/download, or on Debian 13: sudo apt-get install nix-bin",
};

impl Program {
    /// Returns the name of the program for guests of an architecture.
    #[must_use]
    pub fn name(&self, arch: &str) -> String {
        if self.name.ends_with('-') { format!("{}{arch}", self.name) } else { self.name.to_owned() }
    }

    /// Returns what a machine must have, for people.
    #[must_use]
    pub fn wanted(&self, arch: &str) -> String {
        match self.oldest {
            Some((major, minor)) => format!("{} {major}.{minor} or newer", self.name(arch)),
            None => self.name(arch),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Hypervisor, Program};

    #[test]
    fn the_host_tells_which_hypervisor_it_has() {
        for (system, hypervisor) in [
            ("x86_64-linux", Hypervisor::Qemu),
            ("aarch64-linux", Hypervisor::Qemu),
            ("aarch64-darwin", Hypervisor::Vfkit),
            ("x86_64-darwin", Hypervisor::Vfkit),
        ] {
            assert_eq!(Hypervisor::of_system(system), hypervisor, "{system}");
        }
    }

    #[test]
    fn a_program_is_told_with_its_architecture_and_version() {
        let program = |name, oldest| Program { name, oldest, install: "" }.wanted("aarch64");
        assert_eq!(program("qemu-system-", None), "qemu-system-aarch64");
        assert_eq!(program("vfkit", Some((0, 6))), "vfkit 0.6 or newer");
    }
}
