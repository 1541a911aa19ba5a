//! Result of `pikaci gc`.

use std::path::PathBuf;

use serde::Serialize;

use super::broken_run::BrokenRun;
use super::retention::Kept;

/// Version of the JSON of [`GcResult`].
const GC_RESULT_VERSION: u32 = 1;

/// Result of `pikaci gc`.
#[derive(Clone, Debug, Serialize)]
pub struct GcResult {
    /// The version of this format.
    pub schema_version: u32,
    /// True if nothing was removed, and the result is a forecast.
    pub dry_run: bool,
    /// Removed items.
    pub removed: Vec<RemovedItem>,
    /// Items that couldn't be removed.
    pub failed: Vec<FailedRemoval>,
    /// Numbers of runs that remain, by reason.
    pub kept: Kept,
    /// Remaining runs whose records can't be read.
    pub broken: Vec<BrokenRun>,
}

/// Removed item.
#[derive(Clone, Debug, Serialize)]
pub struct RemovedItem {
    /// Kind of the item.
    pub kind: RemovedKind,
    /// Path, relative to the state folder.
    pub path: PathBuf,
    /// Freed space on the disk, in bytes.
    pub bytes: u64,
}

/// Item that couldn't be removed.
#[derive(Clone, Debug, Serialize)]
pub struct FailedRemoval {
    /// Path, relative to the state folder.
    pub path: PathBuf,
    /// Error of the removal.
    pub error: String,
}

/// Kind of an item that is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RemovedKind {
    /// Run, with the logs and artifacts of its jobs.
    Run,
    /// Copy of a source tree.
    Snapshot,
    /// Rendered flake.
    Flake,
    /// GC root, which keeps a runner in the Nix store.
    Root,
    /// Generation of a cache.
    Cache,
    /// Temporary file of a killed process, or a record about an item that is gone.
    Leftover,
}

impl GcResult {
    /// Creates a result without removed items.
    #[must_use]
    pub fn new(dry_run: bool, kept: Kept) -> Self {
        let schema_version = GC_RESULT_VERSION;
        Self { schema_version, dry_run, removed: Vec::new(), failed: Vec::new(), kept, broken: Vec::new() }
    }
}
