//! Paths of the state folder.

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::encode_name::encode_name;
use super::run_layout::RunLayout;
use crate::foreign::Beneath;
use crate::id::{Digest, RecordedPath, RunId};
use crate::plan::FLAKES_FOLDER;

const RUNNERS: &str = "runners";
const SNAPSHOTS: &str = "snapshots";
const INDEXES: &str = "indexes";
const RUNS: &str = "runs";
const RESULTS: &str = "results";
const LOCKS: &str = "locks";
const NIX: &str = "nix";
const VERSION: &str = "version";
const HASH_CACHE: &str = "host.json";
const JOB_FILE_CACHE: &str = "job-file.json";
const KVM_RECORD: &str = "kvm.json";
/// Name of a state folder in its project, unless the operator chose another one.
pub const STATE_FOLDER: &str = ".pikaci";
/// End of the names of seals.
pub(super) const SEAL_SUFFIX: &str = ".seal";
const CACHES: &str = "caches";

/// Paths of a state folder. Creating a layout accesses no file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateLayout {
    root: PathBuf,
}

impl StateLayout {
    /// Names that a state folder contains after a run, but for its version.
    pub(super) const ENTRIES: [&str; 12] = [
        INDEXES,
        RUNS,
        RESULTS,
        SNAPSHOTS,
        FLAKES_FOLDER,
        RUNNERS,
        LOCKS,
        CACHES,
        NIX,
        HASH_CACHE,
        JOB_FILE_CACHE,
        KVM_RECORD,
    ];

    /// Returns the layout of the state folder at a path.
    #[must_use]
    pub fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// Returns the state folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the state folder as the root of all its paths.
    #[must_use]
    pub fn folder(&self) -> Beneath {
        Beneath::new(&self.root)
    }

    /// Returns the file of a recorded path.
    #[must_use]
    pub fn recorded(&self, path: &RecordedPath) -> Beneath {
        self.folder().join(path.as_str())
    }

    /// Returns the folder of rendered flakes.
    #[must_use]
    pub fn flakes(&self) -> Beneath {
        self.folder().join(FLAKES_FOLDER)
    }

    /// Returns the folder of a rendered flake.
    #[must_use]
    pub fn flake(&self, digest: &Digest) -> Beneath {
        self.flakes().join(digest.as_str())
    }

    /// Returns the folder of GC roots.
    #[must_use]
    pub fn runners(&self) -> Beneath {
        self.folder().join(RUNNERS)
    }

    /// Returns the GC root of a flake's runner. `store_hash` is a hash of the path of its Nix store.
    #[must_use]
    pub fn runner(&self, store_hash: &str, flake: &Digest) -> Beneath {
        self.runners().join(file_name(store_hash)).join(flake.as_str())
    }

    /// Returns the folder of the files that Nix downloads.
    #[must_use]
    pub fn nix_cache(&self) -> Beneath {
        self.folder().join(NIX)
    }

    /// Returns the folder of snapshots.
    #[must_use]
    pub fn snapshots(&self) -> Beneath {
        self.folder().join(SNAPSHOTS)
    }

    /// Returns the folder of a snapshot, by the id of its copy.
    #[must_use]
    pub fn snapshot(&self, copy_id: &Digest) -> Beneath {
        self.snapshots().join(copy_id.as_str())
    }

    /// Returns the folder of seals and indexes.
    #[must_use]
    pub fn indexes(&self) -> Beneath {
        self.folder().join(INDEXES)
    }

    /// Returns the seal of a snapshot, which shows whether the snapshot is intact.
    #[must_use]
    pub fn snapshot_seal(&self, copy_id: &Digest) -> Beneath {
        self.indexes().join(format!("{copy_id}{SEAL_SUFFIX}"))
    }

    /// Returns the index of a source tree, which holds the digests of its files.
    #[must_use]
    pub fn snapshot_index(&self, source_root: &Path) -> Beneath {
        let name = Digest::of(source_root.as_os_str().as_bytes());
        self.indexes().join(name.as_str())
    }

    /// Returns the folder of runs.
    #[must_use]
    pub fn runs(&self) -> Beneath {
        self.folder().join(RUNS)
    }

    /// Returns the layout of a run.
    #[must_use]
    pub fn run(&self, id: &RunId) -> RunLayout {
        RunLayout::new(self.runs().join(file_name(id.as_str())))
    }

    /// Returns the link to the newest run.
    #[must_use]
    pub fn latest_run(&self) -> Beneath {
        self.folder().join("latest")
    }

    /// Returns the folder of kept results.
    #[must_use]
    pub fn results(&self) -> Beneath {
        self.folder().join(RESULTS)
    }

    /// Returns the file that names the run in which the job with a result key passed.
    #[must_use]
    pub fn result(&self, key: &Digest) -> Beneath {
        self.results().join(key.as_str())
    }

    /// Returns the folder of caches.
    #[must_use]
    pub fn caches(&self) -> Beneath {
        self.folder().join(CACHES)
    }

    /// Returns the folder of the generations of a cache and a scope.
    #[must_use]
    pub fn cache(&self, name: &str, scope: &str) -> Beneath {
        self.caches().join(encode_name(name)).join(encode_name(scope))
    }

    /// Returns the lock of a cache and a scope, which a process holds while it adds or removes a generation.
    #[must_use]
    pub fn cache_lock(&self, name: &str, scope: &str) -> Beneath {
        self.lock(&format!("cache-{}", Digest::of(format!("{name}\0{scope}").as_bytes()).short()))
    }

    /// Returns the lock of the folder of snapshots.
    #[must_use]
    pub fn snapshots_lock(&self) -> Beneath {
        self.lock("snapshots")
    }

    /// Returns the lock of a rendered flake and its GC roots.
    #[must_use]
    pub fn flake_lock(&self, flake: &Digest) -> Beneath {
        self.lock(&format!("flake-{flake}"))
    }

    /// Returns the lock of which each starting run holds a share.
    #[must_use]
    pub fn run_claims_lock(&self) -> Beneath {
        self.lock("gc")
    }

    /// Returns the lock of the running garbage collection.
    #[must_use]
    pub fn gc_lock(&self) -> Beneath {
        self.lock("gc-turn")
    }

    /// Returns the lock of a place in a group of jobs, from 0.
    #[must_use]
    pub fn group_lock(&self, group: &str, place: u32) -> Beneath {
        self.lock(&format!("group-{}-{place}", Digest::of(group.as_bytes()).short()))
    }

    fn lock(&self, name: &str) -> Beneath {
        self.folder().join(LOCKS).join(name)
    }

    /// Returns the file with the version of the state folder.
    #[must_use]
    pub fn version(&self) -> Beneath {
        self.folder().join(VERSION)
    }

    /// Returns the cache of digests of the host's files.
    #[must_use]
    pub fn hash_cache(&self) -> Beneath {
        self.folder().join(HASH_CACHE)
    }

    /// Returns the cached value of a job file that Nix evaluated.
    #[must_use]
    pub fn job_file_cache(&self) -> Beneath {
        self.folder().join(JOB_FILE_CACHE)
    }

    /// Returns the cached verdict on KVM.
    #[must_use]
    pub fn kvm_record(&self) -> Beneath {
        self.folder().join(KVM_RECORD)
    }
}

/// Returns a path of a layout in the form of records, relative to the root of the path.
///
/// # Panics
/// When the path is not from a layout, whose names are all plain.
#[must_use]
pub fn recorded_path(path: &Beneath) -> RecordedPath {
    let relative = path.relative().to_string_lossy().into_owned();
    RecordedPath::try_from(relative).expect("the names in a layout are plain")
}

/// Returns a safe file name for an id from the command line, which must not leave its folder. An unsafe id is encoded.
fn file_name(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if !text.is_empty() && text.len() <= 255 && text.bytes().all(is_plain) {
        text.to_owned()
    } else {
        encode_name(text)
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{StateLayout, recorded_path};
    use crate::id::{Digest, JobId, RunId};

    #[test]
    fn paths_are_relative_to_the_state_folder() {
        let layout = StateLayout::new(PathBuf::from("/p/.pikaci"));
        let digest = Digest::of(b"");
        let run = layout.run(&RunId::new("20261122T093015Z-4f2a"));
        let attempt = run.job(&JobId::new("a/b")).attempt(1);
        let runner = layout.runner("0a1b", &digest);
        for (path, expected) in [
            (layout.flake(&digest), format!("flakes/{digest}")),
            (layout.snapshot(&digest), format!("snapshots/{digest}")),
            (runner, format!("runners/0a1b/{digest}")),
            (run.events(), "runs/20261122T093015Z-4f2a/events.jsonl".to_owned()),
            (attempt.guest_log(), "runs/20261122T093015Z-4f2a/jobs/a+2fb/attempts/1/guest.log".to_owned()),
        ] {
            assert_eq!(recorded_path(&path).as_str(), expected);
        }
    }

    #[test]
    fn an_id_never_leaves_its_folder() {
        let layout = StateLayout::new(PathBuf::from("/p"));
        for text in ["..", "../..", "/etc", ".", "", "a/../../b", "a\0b"] {
            assert_eq!(layout.run(&RunId::new(text)).root().parent(), Some(layout.runs()), "{text:?}");
        }
    }
}
