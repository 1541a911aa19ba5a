//! What the plan knows of the host: values that `src/host` gathers.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::flake::BlobRef;

/// Memory that is left to the host where it has much, in MiB.
pub const HOST_MEMORY_MIB: u64 = 1024;

/// What this machine is and has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostFacts {
    /// The Nix system, `x86_64-linux` for instance.
    pub system: String,
    /// Logical CPUs.
    pub cpus: u32,
    /// Memory, in MiB.
    pub memory_mib: u64,
    /// What `/etc/os-release` says.
    pub os_release: Option<OsRelease>,
    /// The programs that were found, by the name pikaci calls them.
    pub tools: BTreeMap<String, PathBuf>,
    /// For base `host`: the kernel for each path that a guest names (`None`: the one that is found), or why there is none.
    pub kernels: BTreeMap<Option<PathBuf>, Result<Kernel, MissingFact>>,
    /// For base `host`: the static busybox, or why there is none.
    pub busybox: Result<BlobRef, MissingFact>,
}

impl HostFacts {
    /// Returns the architecture of this machine, and of its guests.
    #[must_use]
    pub fn arch(&self) -> &str {
        self.system.split('-').next().unwrap_or_default()
    }

    /// Returns the system of this machine's guests, which run Linux whatever it runs.
    #[must_use]
    pub fn guest_system(&self) -> String {
        format!("{}-linux", self.arch())
    }
}

/// Something that the host lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingFact {
    /// What is missing and where it was looked for.
    pub reason: String,
    /// What to do, as a command where there is one.
    pub hint: String,
}

/// Which operating system the host runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OsRelease {
    /// `ID`, `debian` for instance.
    pub id: String,
    /// `VERSION_ID`; empty where there is none.
    pub version_id: String,
    /// `PRETTY_NAME`.
    pub pretty_name: String,
}

/// A Linux kernel of the host with the modules that a guest loads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kernel {
    /// The release, as `uname -r` prints it.
    pub release: String,
    /// The image to boot: an ELF with a PVH entry where there is one, else the image as it is.
    pub image: BlobRef,
    /// The modules in the order in which they are loaded: dependencies come first; built-in ones aren't listed.
    pub modules: Vec<Module>,
}

/// A kernel module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// The file's name without compression: `virtio_pci.ko` for instance.
    pub name: String,
    /// The module itself, decompressed.
    pub blob: BlobRef,
}
