//! The request for facts about a host.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;

/// The facts to gather, and the places to gather them from.
#[derive(Clone, Debug)]
pub struct FactsRequest {
    /// Nix's name of the host's system, for example `x86_64-linux`.
    pub system: String,
    /// Release of the running kernel.
    pub running: String,
    /// Value of `PATH`.
    pub path: OsString,
    /// Folder that takes the place of `/` in fixed paths.
    pub root: PathBuf,
    /// Folder into which `make setup` unpacks a kernel, beside those of the system.
    pub set_up: PathBuf,
    /// Kernel images that guests of base `host` name; `None` requests the best one of the host.
    pub kernels: BTreeSet<Option<PathBuf>>,
    /// True to digest the state of the host's programs.
    pub userland: bool,
}

impl FactsRequest {
    /// Returns a request for facts about this host.
    #[must_use]
    pub fn new(path: OsString, kernels: BTreeSet<Option<PathBuf>>) -> Self {
        Self {
            system: system(),
            running: rustix::system::uname().release().to_string_lossy().into_owned(),
            path,
            root: "/".into(),
            set_up: "/usr/local/lib/pikaci".into(),
            kernels,
            userland: false,
        }
    }

    /// Returns the folders whose `boot` and `lib/modules` are searched for kernels, best first.
    pub(super) fn kernel_roots(&self) -> [&PathBuf; 2] {
        [&self.set_up, &self.root]
    }
}

/// Returns Nix's name of this host's system.
#[must_use]
pub fn system() -> String {
    let os = match std::env::consts::OS {
        "macos" => "darwin",
        os => os,
    };
    format!("{}-{os}", std::env::consts::ARCH)
}
