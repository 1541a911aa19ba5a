//! Where everything lies in the state folder.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::name::encode_name;
use super::run_layout::RunLayout;
use crate::foreign::Beneath;
use crate::id::{Digest, RecordedPath, RunId};

/// The paths of a state folder; making one touches nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateLayout {
    root: PathBuf,
}

impl StateLayout {
    /// Returns the layout of the state folder at a path.
    #[must_use]
    pub fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// Returns the state folder itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the state folder as what everything in it is opened beneath.
    #[must_use]
    pub fn folder(&self) -> Beneath {
        Beneath::new(&self.root)
    }

    /// Returns the place of a recorded path.
    #[must_use]
    pub fn recorded(&self, path: &RecordedPath) -> Beneath {
        self.folder().join(path.as_str())
    }

    /// Returns the folder of rendered flakes.
    #[must_use]
    pub fn flakes(&self) -> Beneath {
        self.folder().join("flakes")
    }

    /// Returns the folder of a rendered flake.
    #[must_use]
    pub fn flake(&self, digest: &Digest) -> Beneath {
        self.flakes().join(digest.as_str())
    }

    /// Returns the folder of GC roots.
    #[must_use]
    pub fn runners(&self) -> Beneath {
        self.folder().join("runners")
    }

    /// Returns the GC root of a flake's runner in a Nix store, which is named by a hash of where it is.
    #[must_use]
    pub fn runner(&self, store_hash: &str, flake: &Digest) -> Beneath {
        self.runners().join(file_name(store_hash)).join(flake.as_str())
    }

    /// Returns the folder of what Nix downloads.
    #[must_use]
    pub fn nix_cache(&self) -> Beneath {
        self.folder().join("nix")
    }

    /// Returns the folder of snapshots.
    #[must_use]
    pub fn snapshots(&self) -> Beneath {
        self.folder().join("snapshots")
    }

    /// Returns the folder of a snapshot, by the name of the copy.
    #[must_use]
    pub fn snapshot(&self, copy_id: &Digest) -> Beneath {
        self.snapshots().join(copy_id.as_str())
    }

    /// Returns the folder of what is known of snapshots and source trees.
    #[must_use]
    pub fn indexes(&self) -> Beneath {
        self.folder().join("indexes")
    }

    /// Returns the file that shows whether a snapshot is still what was copied.
    #[must_use]
    pub fn snapshot_seal(&self, copy_id: &Digest) -> Beneath {
        self.indexes().join(format!("{copy_id}.seal"))
    }

    /// Returns the file that remembers what the files of a source tree held when they were last read.
    #[must_use]
    pub fn snapshot_index(&self, source_root: &Path) -> Beneath {
        let name = Digest::of(source_root.as_os_str().as_bytes());
        self.indexes().join(name.as_str())
    }

    /// Returns the folder of runs.
    #[must_use]
    pub fn runs(&self) -> Beneath {
        self.folder().join("runs")
    }

    /// Returns the layout of a run.
    #[must_use]
    pub fn run(&self, id: &RunId) -> RunLayout {
        RunLayout::new(self.runs().join(file_name(id.as_str())))
    }

    /// Returns the file of a named lock.
    #[must_use]
    pub fn lock(&self, name: &str) -> Beneath {
        self.folder().join("locks").join(file_name(name))
    }
}

/// Returns a path of a layout as records hold it, relative to the folder that it is beneath.
///
/// # Panics
/// When it is no path of a layout: all names of those are plain.
#[must_use]
pub fn recorded_path(path: &Beneath) -> RecordedPath {
    let inner = path.inner().to_string_lossy().into_owned();
    RecordedPath::try_from(inner).expect("the names in a layout are plain")
}

/// Returns a text that is a harmless file name as it is, and any other one encoded: an id that was typed at a
/// command line can't leave its folder.
fn file_name(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if !text.is_empty() && text.len() <= 255 && text.bytes().all(plain) { text.to_owned() } else { encode_name(text) }
}

/// Returns whether a name is one that [`super::TEMPORARY_PREFIX`] begins.
pub(crate) fn is_temporary(name: &OsStr) -> bool {
    name.as_bytes().starts_with(super::TEMPORARY_PREFIX.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{StateLayout, recorded_path};
    use crate::id::{Digest, JobId, RunId};

    #[test]
    fn everything_has_its_place() {
        let layout = StateLayout::new(PathBuf::from("/p/.pikaci"));
        let digest = Digest::of(b"");
        let run = layout.run(&RunId::new("20261122T093015Z-4f2a"));
        let attempt = run.job(&JobId::new("a/b")).attempt(1);
        let store = layout.runner("0a1b", &digest);
        for (path, expected) in [
            (layout.flake(&digest), format!("flakes/{digest}")),
            (layout.snapshot(&digest), format!("snapshots/{digest}")),
            (store, format!("runners/0a1b/{digest}")),
            (run.events(), "runs/20261122T093015Z-4f2a/events.jsonl".to_owned()),
            (attempt.guest_log(), "runs/20261122T093015Z-4f2a/jobs/a+2fb/attempts/1/guest.log".to_owned()),
        ] {
            assert_eq!(recorded_path(&path).as_str(), expected);
        }
    }

    #[test]
    fn no_id_leaves_its_folder() {
        let layout = StateLayout::new(PathBuf::from("/p"));
        for text in ["..", "../..", "/etc", ".", "", "a/../../b", "a\0b"] {
            assert_eq!(layout.run(&RunId::new(text)).root().parent(), Some(layout.runs()), "{text:?}");
        }
    }
}
