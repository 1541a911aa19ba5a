//! A guest of a job file.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Name of the guest of a job without the key `guest`.
pub const DEFAULT_GUEST: &str = "default";

/// A guest: the virtual machine that a job runs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guest {
    /// Source of the kernel and the userland, or `None` for the usual base of the host's system.
    pub base: Option<Base>,
    /// Number of virtual CPUs.
    pub vcpu: u32,
    /// Memory, in MiB.
    pub memory_mib: u64,
    /// Size of the disk for everything that the job writes, in MiB; without it that is memory.
    pub disk_mib: Option<u64>,
    /// Time limits of the guest.
    pub timeouts: Timeouts,
    /// Kernel image on the host, in place of the one that pikaci chooses (base `host`).
    pub kernel: Option<PathBuf>,
    /// Folders of the host that the guest sees read-only at the same place, absolute or with `~/` first (base `host`).
    pub host_folders: Vec<String>,
    /// Attribute paths in nixpkgs (bases `nix` and `nixos`).
    pub packages: Vec<String>,
    /// Name of a dev shell of the project's flake (bases `nix` and `nixos`).
    pub dev_shell: Option<String>,
    /// NixOS modules: files, relative to the project (base `nixos`).
    pub modules: Vec<String>,
}

/// Time limits of a guest, apart from the timeout of the job's command, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Limit for building the guest.
    pub prepare_secs: u64,
    /// Limit for booting the guest until it is ready.
    pub boot_secs: u64,
    /// Limit for everything after the command.
    pub collect_secs: u64,
}

impl Default for Timeouts {
    /// Without hardware acceleration a slow guest boots in ten seconds. After the command the agent uses at most 60
    /// seconds to drain output and 300 to pack artifacts.
    fn default() -> Self {
        Self { prepare_secs: 30 * 60, boot_secs: 120, collect_secs: 420 }
    }
}

/// Source of a guest's kernel and userland.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Base {
    /// The host's own kernel, and its `/usr` read-only.
    Host,
    /// Kernel, busybox and packages of nixpkgs.
    Nix,
    /// A NixOS system.
    Nixos,
    /// No virtual machine: the command runs on the host, without isolation.
    None,
}

impl Base {
    /// Returns the name of the base in a job file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Nix => "nix",
            Self::Nixos => "nixos",
            Self::None => "none",
        }
    }
}
