//! Where everything lies in the state folder.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::name::encode_name;
use crate::id::{Digest, JobId, RunId};

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

    /// Returns the folder of rendered flakes.
    #[must_use]
    pub fn flakes(&self) -> PathBuf {
        self.root.join("flakes")
    }

    /// Returns the folder of a rendered flake.
    #[must_use]
    pub fn flake(&self, digest: &Digest) -> PathBuf {
        self.flakes().join(digest.as_str())
    }

    /// Returns the folder of GC roots.
    #[must_use]
    pub fn runners(&self) -> PathBuf {
        self.root.join("runners")
    }

    /// Returns the GC root of a flake's runner in a Nix store, which is named by a hash of where it is.
    #[must_use]
    pub fn runner(&self, store_hash: &str, flake: &Digest) -> PathBuf {
        self.runners().join(file_name(store_hash)).join(flake.as_str())
    }

    /// Returns the folder of snapshots.
    #[must_use]
    pub fn snapshots(&self) -> PathBuf {
        self.root.join("snapshots")
    }

    /// Returns the folder of a snapshot.
    #[must_use]
    pub fn snapshot(&self, digest: &Digest) -> PathBuf {
        self.snapshots().join(digest.as_str())
    }

    /// Returns the folder of what is known of snapshots and source trees.
    #[must_use]
    pub fn indexes(&self) -> PathBuf {
        self.root.join("indexes")
    }

    /// Returns the file that shows whether a snapshot is still what was copied.
    #[must_use]
    pub fn snapshot_seal(&self, digest: &Digest) -> PathBuf {
        self.indexes().join(format!("{digest}.seal"))
    }

    /// Returns the file that remembers what the files of a source tree held when they were last read.
    #[must_use]
    pub fn snapshot_index(&self, source_root: &Path) -> PathBuf {
        let name = Digest::of(source_root.as_os_str().as_bytes());
        self.indexes().join(name.as_str())
    }

    /// Returns the folder of runs.
    #[must_use]
    pub fn runs(&self) -> PathBuf {
        self.root.join("runs")
    }

    /// Returns the layout of a run.
    #[must_use]
    pub fn run(&self, id: &RunId) -> RunLayout {
        RunLayout { root: self.runs().join(file_name(id.as_str())) }
    }

    /// Returns the file of a named lock.
    #[must_use]
    pub fn lock(&self, name: &str) -> PathBuf {
        self.root.join("locks").join(file_name(name))
    }

    /// Returns a path inside the state folder relative to it, as records hold it; `None` for a path outside.
    #[must_use]
    pub fn relative(&self, path: &Path) -> Option<PathBuf> {
        path.strip_prefix(&self.root).ok().map(Path::to_path_buf)
    }
}

/// Returns a text that is a harmless file name as it is, and any other one encoded: an id that was typed at a
/// command line can't leave its folder.
fn file_name(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if !text.is_empty() && text.len() <= 255 && text.bytes().all(plain) { text.to_owned() } else { encode_name(text) }
}

/// The paths of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunLayout {
    root: PathBuf,
}

impl RunLayout {
    /// Returns the layout of a run in a folder of any name.
    #[must_use]
    pub fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// Returns the run's folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the file that is locked while the run is running.
    #[must_use]
    pub fn lock(&self) -> PathBuf {
        self.root.join("lock")
    }

    /// Returns the file that asks the run to end by being there.
    #[must_use]
    pub fn cancel_request(&self) -> PathBuf {
        self.root.join("cancel")
    }

    /// Returns the file of the plan.
    #[must_use]
    pub fn plan(&self) -> PathBuf {
        self.root.join("plan.json")
    }

    /// Returns the file of the run's record.
    #[must_use]
    pub fn record(&self) -> PathBuf {
        self.root.join("run.json")
    }

    /// Returns the file of the run's events.
    #[must_use]
    pub fn events(&self) -> PathBuf {
        self.root.join("events.jsonl")
    }

    /// Returns the folder of the run's jobs.
    #[must_use]
    pub fn jobs(&self) -> PathBuf {
        self.root.join("jobs")
    }

    /// Returns the layout of a job of the run.
    #[must_use]
    pub fn job(&self, id: &JobId) -> JobLayout {
        JobLayout { root: self.jobs().join(encode_name(id.as_str())) }
    }
}

/// The paths of a job of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobLayout {
    root: PathBuf,
}

impl JobLayout {
    /// Returns the job's folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the file of the job's record.
    #[must_use]
    pub fn status(&self) -> PathBuf {
        self.root.join("status.json")
    }

    /// Returns the layout of an attempt at the job; the first is 1.
    #[must_use]
    pub fn attempt(&self, number: u32) -> AttemptLayout {
        AttemptLayout { root: self.root.join("attempts").join(number.to_string()) }
    }
}

/// The paths of an attempt at a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptLayout {
    root: PathBuf,
}

impl AttemptLayout {
    /// Returns the layout of an attempt that belongs to no run.
    #[must_use]
    pub fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// Returns the attempt's folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the log of what the host did.
    #[must_use]
    pub fn host_log(&self) -> PathBuf {
        self.root.join("host.log")
    }

    /// Returns the log of the guest's console.
    #[must_use]
    pub fn console_log(&self) -> PathBuf {
        self.root.join("console.log")
    }

    /// Returns the output of the job, byte for byte.
    #[must_use]
    pub fn guest_log(&self) -> PathBuf {
        self.root.join("guest.log")
    }

    /// Returns the folder of the files that the job left.
    #[must_use]
    pub fn artifacts(&self) -> PathBuf {
        self.root.join("artifacts")
    }

    /// Returns the list of the files that the job left.
    #[must_use]
    pub fn manifest(&self) -> PathBuf {
        self.root.join("manifest.json")
    }
}

/// Returns whether a name is one that [`super::TEMPORARY_PREFIX`] begins.
pub(crate) fn is_temporary(name: &OsStr) -> bool {
    name.as_bytes().starts_with(super::TEMPORARY_PREFIX.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::StateLayout;
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
            assert_eq!(layout.relative(&path), Some(PathBuf::from(expected)));
        }
        assert_eq!(layout.relative(Path::new("/p/src")), None);
    }

    #[test]
    fn no_id_leaves_its_folder() {
        let layout = StateLayout::new(PathBuf::from("/p"));
        for text in ["..", "../..", "/etc", ".", "", "a/../../b", "a\0b"] {
            assert_eq!(layout.run(&RunId::new(text)).root().parent(), Some(layout.runs().as_path()), "{text:?}");
        }
    }
}
