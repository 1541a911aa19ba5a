//! The state of a folder: size, and a digest that changes with its content.

#![expect(clippy::disallowed_methods, reason = "inspects files")]

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;

use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};

use crate::foreign::Beneath;
use crate::id::Digest;

/// Size of a folder's files, and a digest of their names, modes, sizes and times of modification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TreeState {
    pub(super) digest: Digest,
    /// Size on the disk, in bytes.
    pub(super) bytes: u64,
}

impl TreeState {
    /// Reads the state of a folder. Symbolic links aren't followed.
    ///
    /// # Errors
    /// When an entry can't be read.
    pub(super) fn read(root: &Beneath) -> Result<Self> {
        let (mut hasher, mut bytes) = (Sha256::new(), 0);
        let mut open = vec![root.clone()];
        while let Some(folder) = open.pop() {
            let entries = folder.entries().with_context(|| format!("reading {}", folder.display()))?;
            for entry in entries {
                let path = folder.join(entry.name);
                let meta = fs::symlink_metadata(&path).with_context(|| format!("inspecting {}", path.display()))?;
                let inner = path.strip_prefix(root).unwrap_or(&path).as_os_str().as_bytes();
                hasher.update(inner.len().to_le_bytes());
                hasher.update(inner);
                hasher.update(meta.mode().to_le_bytes());
                // The time of a folder changes with the entries in it, which are read anyway.
                if meta.is_dir() {
                    open.push(path);
                } else {
                    hasher.update(meta.size().to_le_bytes());
                    hasher.update(meta.mtime().to_le_bytes());
                    hasher.update(meta.mtime_nsec().to_le_bytes());
                }
                bytes += meta.blocks() * 512;
            }
        }
        Ok(Self { digest: Digest::from_hasher(hasher), bytes })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::TreeState;
    use crate::foreign::Beneath;

    #[test]
    fn each_change_of_a_folder_changes_its_state() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let state = || TreeState::read(&Beneath::new(folder.path())).unwrap();
        let mut states = vec![state()];
        fs::create_dir(path("a")).unwrap();
        states.push(state());
        fs::write(path("a/file"), vec![b'x'; 100_000]).unwrap();
        states.push(state());
        assert!(state().bytes >= 100_000);
        std::os::unix::fs::symlink("/nowhere", path("link")).unwrap();
        states.push(state());
        fs::rename(path("a/file"), path("file")).unwrap();
        states.push(state());
        fs::remove_file(path("file")).unwrap();
        states.push(state());
        assert!((1..states.len()).all(|at| !states[..at].contains(&states[at])), "{states:?}");
        assert_eq!(state(), state());
    }
}
