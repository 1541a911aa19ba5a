//! What this machine is and has, gathered once before the plan. Reads the host, writes nothing.
//!
//! Everything that costs more than a `stat` is kept in a [`HashCache`], so that the second look at a kernel and its
//! modules reads neither.
#![expect(clippy::disallowed_methods, reason = "reads what the host says of itself")]

mod blob;
mod bzimage;
mod cache;
mod elf;
#[cfg(test)]
mod fixture;
mod kernel;
mod memory;
mod modules;
mod os_release;
mod room;
#[cfg(test)]
mod tests;
mod tool;
mod version;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;

pub use blob::decode;
pub use cache::HashCache;
pub use memory::available_mib;
pub use room::free_disk;

use crate::plan::facts::{HostFacts, MissingFact, OsRelease};

/// What to gather, and where.
#[derive(Clone, Debug)]
pub struct Gather {
    /// The system, `x86_64-linux` for instance.
    pub system: String,
    /// The release of the running kernel.
    pub running: String,
    /// The value of `PATH`.
    pub path: OsString,
    /// What stands for `/` in the fixed places of the host.
    pub root: PathBuf,
    /// Where set-up unpacks a kernel beside the system's own.
    pub set_up: PathBuf,
    /// The kernel images that the guests of base `host` name; `None` is the one that is found.
    pub kernels: BTreeSet<Option<PathBuf>>,
}

impl Gather {
    /// Returns a request about this machine.
    #[must_use]
    pub fn here(path: OsString, kernels: BTreeSet<Option<PathBuf>>) -> Self {
        let os = match std::env::consts::OS {
            "macos" => "darwin",
            os => os,
        };
        Self {
            system: format!("{}-{os}", std::env::consts::ARCH),
            running: rustix::system::uname().release().to_string_lossy().into_owned(),
            path,
            root: "/".into(),
            set_up: "/usr/local/lib/pikaci".into(),
            kernels,
        }
    }

    fn kernel_roots(&self) -> [&PathBuf; 2] {
        [&self.set_up, &self.root]
    }
}

/// Returns what this machine is and has; memory is 0 where nothing tells it.
#[must_use]
pub fn gather(request: &Gather, cache: &HashCache) -> HostFacts {
    let read = |file: &str| std::fs::read_to_string(request.root.join(file)).ok();
    let os = read("etc/os-release").or_else(|| read("usr/lib/os-release")).and_then(|text| os_release::parse(&text));
    let (arch, kind) = request.system.split_once('-').unwrap_or((&request.system, ""));
    let kernel = |path: &Option<PathBuf>| match kind {
        "linux" => kernel::kernel(path.as_deref(), request, os.as_ref(), cache),
        _ => Err(MissingFact {
            reason: format!("a guest of base `host` boots the host's Linux kernel, and this is {}", request.system),
            hint: "give the guest another `base`".to_owned(),
        }),
    };
    HostFacts {
        cpus: std::thread::available_parallelism().map_or(1, |count| u32::try_from(count.get()).unwrap_or(u32::MAX)),
        memory_mib: memory::mib(request).unwrap_or(0),
        tools: tool::tools(request, arch),
        kernels: request.kernels.iter().map(|path| (path.clone(), kernel(path))).collect(),
        busybox: tool::busybox(request, arch, os.as_ref(), cache),
        os_release: os,
        system: request.system.clone(),
    }
}

fn install(os: Option<&OsRelease>, package: &str) -> String {
    match os.map(|os| os.id.as_str()) {
        Some("debian" | "ubuntu") => format!("sudo apt-get install {package}"),
        _ => format!("install {package}"),
    }
}
