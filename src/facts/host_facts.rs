//! Facts about the host, which `src/host` gathers.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::blob::BlobRef;
use super::kernel::Kernel;
use super::os_release::OsRelease;
use crate::id::Digest;

/// Facts about the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostFacts {
    /// The Nix system, for instance `x86_64-linux`.
    pub system: String,
    /// Number of logical CPUs.
    pub cpus: u32,
    /// Memory in MiB; 0 if it couldn't be read.
    pub memory_mib: u64,
    /// Operating system, if `/etc/os-release` names one.
    pub os_release: Option<OsRelease>,
    /// Paths of the programs on the host, by the names that pikaci uses.
    pub tools: BTreeMap<String, PathBuf>,
    /// For base `host`: the kernel of each path that a guest names, or the reason for its absence. The key `None` is
    /// the default kernel.
    pub kernels: BTreeMap<Option<PathBuf>, Result<Kernel, MissingFact>>,
    /// For base `host`: the static busybox, or the reason for its absence.
    pub busybox: Result<BlobRef, MissingFact>,
    /// Digest of the state of the host's programs, if a result key needs it.
    pub userland: Option<Digest>,
}

impl HostFacts {
    /// Returns the architecture of the host and of its guests.
    #[must_use]
    pub fn arch(&self) -> &str {
        self.system.split('-').next().unwrap_or_default()
    }

    /// Returns the Nix system of the guests, which run Linux on every host.
    #[must_use]
    pub fn guest_system(&self) -> String {
        format!("{}-linux", self.arch())
    }
}

/// Something that the host lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingFact {
    /// The missing part and the places where it was searched.
    pub reason: String,
    /// The remedy, as a command if there is one.
    pub hint: String,
}
