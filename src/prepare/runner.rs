//! A built runner: what to boot, as it says itself.

#![expect(clippy::disallowed_methods, reason = "reads what a store holds")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// A built runner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runner {
    /// Its store path.
    pub path: PathBuf,
    /// What to boot.
    pub boot: Boot,
}

/// What a runner says in `boot.json`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Boot {
    /// The version of this format.
    pub schema_version: u32,
    /// The kernel's file in the runner.
    pub kernel: String,
    /// The initial RAM disk's file in the runner.
    pub initrd: String,
    /// The file of the store's disk, where there is one.
    #[serde(default)]
    pub store: Option<String>,
    /// The guest's part of the kernel's command line.
    pub cmdline: String,
    /// What the agent can do.
    pub features: Vec<String>,
    /// The length of each file of the runner, in bytes.
    pub sizes: BTreeMap<String, u64>,
}

impl Runner {
    /// Returns the runner at a store path, if it is one and every file is there whole.
    #[must_use]
    pub fn at(path: &Path) -> Option<Self> {
        let boot: Boot = serde_json::from_slice(&fs::read(path.join("boot.json")).ok()?).ok()?;
        let whole = |(name, len): (&String, &u64)| fs::metadata(path.join(name)).is_ok_and(|file| file.len() == *len);
        let path = path.to_path_buf();
        (boot.schema_version == 1 && boot.sizes.iter().all(whole)).then_some(Self { path, boot })
    }

    /// Returns the kernel's path.
    #[must_use]
    pub fn kernel(&self) -> PathBuf {
        self.path.join(&self.boot.kernel)
    }

    /// Returns the initial RAM disk's path.
    #[must_use]
    pub fn initrd(&self) -> PathBuf {
        self.path.join(&self.boot.initrd)
    }

    /// Returns the path of the store's disk.
    #[must_use]
    pub fn store_disk(&self) -> Option<PathBuf> {
        self.boot.store.as_ref().map(|file| self.path.join(file))
    }

    /// Returns the folder of the store that holds it.
    #[must_use]
    pub fn store(&self) -> &Path {
        self.path.parent().unwrap_or(&self.path)
    }
}
