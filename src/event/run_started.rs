//! The start of a run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::declared_job::DeclaredJob;
use crate::facts::OsRelease;
use crate::id::{RecordedPath, RunId, TargetId};
use crate::plan::record::LeftOutJob;

/// The version of the events that this pikaci writes, which is part of each `run_started`.
pub const SCHEMA_VERSION: u32 = 1;

/// The start of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunStarted {
    /// The version of the events that follow.
    #[schemars(extend("const" = SCHEMA_VERSION))]
    pub schema_version: u32,
    /// The version of pikaci that writes them.
    pub pikaci_version: String,
    /// The run.
    pub run_id: RunId,
    /// The source of the run.
    #[serde(flatten)]
    pub source: RunSource,
    /// The plan, and the selection that led to it.
    #[serde(flatten)]
    pub selection: RunSelection,
    /// For base `host`: the system whose userland the guests use.
    pub host_os: Option<OsRelease>,
    /// The jobs, in the order of the plan.
    pub jobs: Vec<DeclaredJob>,
    /// The jobs that the changed files left out.
    #[serde(default)]
    pub left_out: Vec<LeftOutJob>,
}

/// The source of a run: its target and the tree that its jobs see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunSource {
    /// The run whose plan this one repeats.
    pub rerun_of: Option<RunId>,
    /// The target, or the jobs as the command line named them.
    pub target_id: TargetId,
    /// The purpose of the target.
    pub target_description: Option<String>,
    /// The project's folder.
    pub source_root: String,
    /// The snapshot, relative to the state folder.
    pub snapshot_dir: RecordedPath,
    /// The commit that was checked out.
    pub git_head: Option<String>,
    /// True if the working tree differed from that commit.
    pub git_dirty: Option<bool>,
}

/// The plan of a run, and the selection that led to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunSelection {
    /// The plan, relative to the state folder.
    pub plan_path: RecordedPath,
    /// The files that `paths` were matched against.
    pub changed_files: Option<Vec<String>>,
    /// The names that the command line gave.
    pub filters: Vec<String>,
}

impl RunStarted {
    /// Returns the start of a run, in the format of this pikaci.
    #[must_use]
    pub fn new(
        run_id: RunId,
        source: RunSource,
        selection: RunSelection,
        host_os: Option<OsRelease>,
        jobs: Vec<DeclaredJob>,
        left_out: Vec<LeftOutJob>,
    ) -> Self {
        let pikaci_version = env!("CARGO_PKG_VERSION").to_owned();
        Self { schema_version: SCHEMA_VERSION, pikaci_version, run_id, source, selection, host_os, jobs, left_out }
    }
}
