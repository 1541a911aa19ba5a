//! The capabilities of vfkit and the programs that it needs.

use crate::plan::hypervisor::{Capabilities, Hypervisor};
use crate::tools::Program;

/// Capabilities of vfkit.
pub const CAPABILITIES: Capabilities = Capabilities {
    hypervisor: Hypervisor::Vfkit,
    name: "vfkit",
    // Its virtio-fs has no such option (`pkg/config/virtio.go`, VirtioFs).
    read_only_shares: false,
    // A Mac's store changes names for a disk that ignores case.
    host_store: false,
    // It opens disks by their paths, and its serial ports write into files.
    secrets: false,
    // Read-only disks came with 0.6.0.
    programs: &[Program {
        name: "vfkit",
        oldest: Some((0, 6)),
        install: "with Homebrew: brew install vfkit; with Nix: nix profile install nixpkgs#vfkit",
    }],
};
