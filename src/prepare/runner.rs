//! A built runner and its `boot.json`.

#![expect(clippy::disallowed_methods, reason = "reads files of a store")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;

use crate::foreign::Beneath;

/// Limit on boot.json, in bytes.
const BOOT_LIMIT: u64 = 1 << 20;

/// Limit on the list of store paths, in bytes.
const CLOSURE_LIMIT: u64 = 4 << 20;
/// File that lists the store paths for a guest with a shared store.
const CLOSURE: &str = "closure";

/// A built runner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runner {
    /// Store path of the runner.
    pub path: PathBuf,
    /// Content of its `boot.json`.
    pub boot: Boot,
}

/// The content of a runner's `boot.json`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Boot {
    /// Version of this format.
    pub schema_version: u32,
    /// File name of the kernel in the runner.
    pub kernel: String,
    /// File name of the initial RAM disk in the runner.
    pub initrd: String,
    /// File name of the store's disk, if the runner has one.
    #[serde(default)]
    pub store: Option<String>,
    /// The guest's part of the kernel's command line.
    pub cmdline: String,
    /// Features of the agent.
    pub features: Vec<String>,
    /// Length of each file of the runner, in bytes.
    pub sizes: BTreeMap<String, u64>,
}

impl Runner {
    /// Returns the runner at a store path if all its files are complete. The project chose the builder of the runner, so a
    /// runner that names files outside of itself is refused.
    #[must_use]
    pub fn load(path: &Path) -> Option<Self> {
        let boot = Beneath::new(path).join("boot.json").read(BOOT_LIMIT).ok()?;
        let boot: Boot = serde_json::from_slice(&boot).ok()?;
        let store = fs::canonicalize(path).ok()?.parent()?.to_owned();
        let is_complete = |(name, len): (&String, &u64)| is_own_file(path, name, *len, &store);
        let is_runner = boot.schema_version == 1
            && [&boot.kernel, &boot.initrd].into_iter().chain(&boot.store).all(|name| boot.sizes.contains_key(name))
            && boot.sizes.iter().all(is_complete);
        is_runner.then(|| Self { path: path.to_path_buf(), boot })
    }

    /// Returns the path of the kernel.
    #[must_use]
    pub fn kernel(&self) -> PathBuf {
        self.path.join(&self.boot.kernel)
    }

    /// Returns the path of the initial RAM disk.
    #[must_use]
    pub fn initrd(&self) -> PathBuf {
        self.path.join(&self.boot.initrd)
    }

    /// Returns the path of the store's disk.
    #[must_use]
    pub fn store_disk(&self) -> Option<PathBuf> {
        self.boot.store.as_ref().map(|file| self.path.join(file))
    }

    /// Returns the names of the store paths that the guest needs, if the runner lists them. A hostile builder can list any
    /// name, but it can't guess the hash in the name of a path that it doesn't have.
    #[must_use]
    pub fn closure(&self) -> Option<Vec<String>> {
        let is_listed = self.boot.sizes.contains_key(CLOSURE);
        let list = is_listed.then(|| Beneath::new(&self.path).join(CLOSURE).read(CLOSURE_LIMIT).ok()).flatten()?;
        String::from_utf8(list).ok()?.lines().map(store_name).collect()
    }

    /// Returns the folder of the store that holds the runner.
    #[must_use]
    pub fn store(&self) -> &Path {
        self.path.parent().unwrap_or(&self.path)
    }
}

/// Returns the name of a store path, if it is a hash and a name with the characters that Nix allows.
fn store_name(path: &str) -> Option<String> {
    let (_, name) = path.rsplit_once('/')?;
    let (hash, rest) = name.split_once('-')?;
    let is_hash = hash.len() == 32 && hash.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"+-._?=".contains(&byte);
    (is_hash && !rest.is_empty() && rest.bytes().all(is_allowed)).then(|| name.to_owned())
}

/// Returns whether a runner has a file with this name and length; a link must lead to a file in the same store.
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

    use super::{Runner, store_name};

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
            Runner::load(&self.path("runner")).is_some()
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
        assert_eq!(Runner::load(&store.path("runner")), None);
    }

    #[test]
    fn a_closure_names_store_paths_and_nothing_else() {
        let name = "0123456789abcdfghijklmnpqrsvwxyz-bash-5.2";
        assert_eq!(store_name(&format!("/nix/store/{name}")).as_deref(), Some(name));
        for path in ["", "/", name, "/nix/store/..", "/nix/store/a-b", "/nix/store/0123456789abcdfghijklmnpqrsvwxyz-"] {
            assert_eq!(store_name(path), None, "{path}");
        }
        assert_eq!(store_name(&format!("/nix/store/{name} x")), None);
    }
}
