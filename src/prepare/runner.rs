//! A built runner: what to boot, as it says itself.

#![expect(clippy::disallowed_methods, reason = "reads what a store holds")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;

use crate::foreign::Beneath;

/// The longest boot.json that is read, in bytes.
const BOOT_LIMIT: u64 = 1 << 20;

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
    /// Returns the runner at a store path, if it is one and every file is there whole. It is as trusted as the builder that
    /// the project's lock chose: it can name nothing but its own files.
    #[must_use]
    pub fn at(path: &Path) -> Option<Self> {
        let boot = Beneath::new(path).join("boot.json").read(BOOT_LIMIT).ok()?;
        let boot: Boot = serde_json::from_slice(&boot).ok()?;
        let store = fs::canonicalize(path).ok()?.parent()?.to_owned();
        let is_whole = |(name, len): (&String, &u64)| is_own_file(path, name, *len, &store);
        let is_runner = boot.schema_version == 1
            && [&boot.kernel, &boot.initrd].into_iter().chain(&boot.store).all(|name| boot.sizes.contains_key(name))
            && boot.sizes.iter().all(is_whole);
        is_runner.then(|| Self { path: path.to_path_buf(), boot })
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

/// Returns whether a runner has a file of this plain name and length: itself, or by a link to one in the same store.
fn is_own_file(runner: &Path, name: &str, len: u64, store: &Path) -> bool {
    let mut parts = Path::new(name).components();
    let is_plain = matches!((parts.next(), parts.next()), (Some(Component::Normal(part)), None) if part == name);
    let file = || fs::canonicalize(runner.join(name)).ok().filter(|file| file.starts_with(store));
    let stat = || fs::symlink_metadata(file()?).ok();
    is_plain && stat().is_some_and(|stat| stat.is_file() && stat.len() == len)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::PathBuf;

    use serde_json::{Value, json};
    use tempfile::TempDir;

    use super::Runner;

    struct Store(TempDir);

    impl Store {
        fn new() -> Self {
            let store = Self(tempfile::tempdir().unwrap());
            fs::create_dir_all(store.path("runner/folder")).unwrap();
            for file in ["runner/kernel", "runner/initrd", "runner/store.erofs", "other", "runner/folder/file"] {
                fs::write(store.path(file), "1234").unwrap();
            }
            symlink(store.path("other"), store.path("runner/shared")).unwrap();
            symlink("/etc/passwd", store.path("runner/outside")).unwrap();
            symlink("/dev/zero", store.path("runner/endless")).unwrap();
            store
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join("store").join(name)
        }

        fn is_runner(&self, boot: &Value) -> bool {
            fs::write(self.path("runner/boot.json"), boot.to_string()).unwrap();
            Runner::at(&self.path("runner")).is_some()
        }
    }

    #[test]
    fn a_runner_names_nothing_but_its_own_files() {
        let store = Store::new();
        let boot = |kernel: &str, store: Option<&str>, sizes: Value| {
            json!({
                "schema_version": 1, "kernel": kernel, "initrd": "initrd", "store": store, "cmdline": "",
                "features": [], "sizes": sizes,
            })
        };
        let whole = json!({ "kernel": 4, "initrd": 4, "shared": 4, "store.erofs": 4 });
        assert!(store.is_runner(&boot("kernel", None, whole.clone())));
        assert!(store.is_runner(&boot("shared", Some("store.erofs"), whole)));
        let passwd = fs::metadata("/etc/passwd").unwrap().len();
        for name in [
            "",
            ".",
            "..",
            "/etc/passwd",
            "../other",
            "outside",
            "endless",
            "folder",
            "folder/file",
            "missing",
            "./kernel",
        ] {
            let len = if name == "/etc/passwd" || name == "outside" { passwd } else { 4 };
            let sizes = json!({ "kernel": 4, "initrd": 4, name: len });
            assert!(!store.is_runner(&boot(name, None, sizes.clone())), "kernel {name:?}");
            assert!(!store.is_runner(&boot("kernel", Some(name), sizes)), "store {name:?}");
        }
        for sizes in [json!({}), json!({ "initrd": 4 }), json!({ "kernel": 5, "initrd": 4 })] {
            assert!(!store.is_runner(&boot("kernel", None, sizes.clone())), "{sizes}");
        }
        symlink("/dev/zero", store.path("endless.json")).unwrap();
        fs::remove_file(store.path("runner/boot.json")).unwrap();
        fs::rename(store.path("endless.json"), store.path("runner/boot.json")).unwrap();
        assert_eq!(Runner::at(&store.path("runner")), None);
    }
}
