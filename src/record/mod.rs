//! What is kept of a run and its jobs, and for how long: types, and the fold that makes them from events. Pure.

mod fold;
mod replay;
pub mod retention;
mod status;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::event::Reason;
use crate::id::{JobId, NodeId, RecordedPath, RunId, TargetId};
use crate::plan::facts::OsRelease;
use crate::plan::record::LeftOutJob;

pub use fold::History;
pub use replay::{NoRecords, replay};
pub use status::{Open, Outcome, Status};

/// The version of run.json and status.json that this pikaci writes.
pub const SCHEMA_VERSION: u32 = 1;

/// What cancelled a run that was asked to end from elsewhere.
pub const CANCEL_COMMAND: &str = "pikaci cancel";

/// A run, as it is written to `run.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunRecord {
    /// The version of this format.
    #[schemars(extend("const" = SCHEMA_VERSION))]
    pub schema_version: u32,
    /// The run.
    pub run_id: RunId,
    /// Where it stands.
    pub status: Status,
    /// The run whose plan this one repeats.
    pub rerun_of: Option<RunId>,
    /// The target, or the jobs as they were asked for.
    pub target_id: TargetId,
    /// What the target is for.
    pub target_description: Option<String>,
    /// The project's folder.
    pub source_root: String,
    /// The snapshot, relative to the state folder.
    pub snapshot_dir: RecordedPath,
    /// The commit that was checked out.
    pub git_head: Option<String>,
    /// Whether the working tree differed from it.
    pub git_dirty: Option<bool>,
    /// When it began.
    pub created_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// The plan, relative to the state folder.
    pub plan_path: RecordedPath,
    /// The files that `paths` were matched against.
    pub changed_files: Option<Vec<String>>,
    /// The names that the command line gave.
    pub filters: Vec<String>,
    /// What is to be said about it.
    pub message: Option<String>,
    /// What asked it to end before its last job had.
    #[serde(default)]
    pub cancelled_by: Option<String>,
    /// For base `host`: the system whose userland the guests used.
    pub host_os: Option<OsRelease>,
    /// How guests were accelerated, and why.
    pub accelerator: Option<Accelerator>,
    /// The runners that were built or found.
    pub prepares: Vec<PrepareRecord>,
    /// The jobs, in the order of the plan.
    pub jobs: Vec<JobSummary>,
    /// The jobs that the changed files left out, and why.
    #[serde(default)]
    pub left_out: Vec<LeftOutJob>,
}

/// How guests were accelerated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Accelerator {
    /// `kvm` or `tcg`.
    pub name: String,
    /// Why.
    pub reason: String,
}

/// A Prepare node in a run's record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PrepareRecord {
    /// The node in the plan.
    pub plan_node_id: NodeId,
    /// Where it stands.
    pub status: Status,
    /// The log of the build, relative to the state folder.
    pub log_path: Option<RecordedPath>,
    /// The runner's store path.
    pub runner: Option<String>,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Why it didn't pass.
    #[serde(flatten)]
    pub reason: Reason,
}

/// A job in its run's record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JobSummary {
    /// The job.
    pub id: JobId,
    /// Where it stands.
    pub status: Status,
    /// Whether it passed, but not on the first attempt.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub flaky: bool,
    /// The job's own record, relative to the state folder.
    pub status_path: RecordedPath,
}

/// An attempt at a job that was followed by another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AttemptRecord {
    /// The attempt, from 1.
    pub attempt: u32,
    /// How it ended.
    pub outcome: Outcome,
    /// The exit code of the command.
    pub exit_code: Option<i32>,
    /// Why it didn't pass.
    #[serde(flatten)]
    pub reason: Reason,
    /// What pikaci did, relative to the state folder.
    pub host_log_path: Option<RecordedPath>,
    /// What the job printed, relative to the state folder.
    pub guest_log_path: Option<RecordedPath>,
    /// The guest kernel's console, relative to the state folder.
    pub console_log_path: Option<RecordedPath>,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Timestamp,
    /// Files that were brought back.
    pub artifacts: u64,
    /// Where they are, relative to the state folder.
    pub artifacts_dir: Option<RecordedPath>,
}

/// A job, as it is written to `status.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JobRecord {
    /// The version of this format.
    #[schemars(extend("const" = SCHEMA_VERSION))]
    pub schema_version: u32,
    /// The job.
    pub id: JobId,
    /// What it does.
    pub description: String,
    /// Where it stands.
    pub status: Status,
    /// What carries it out.
    pub executor: String,
    /// Its node in the plan.
    pub plan_node_id: NodeId,
    /// How long its command may take, in seconds.
    pub timeout_secs: u64,
    /// The attempt that this speaks of, from 1; 0 before the first.
    pub attempt: u32,
    /// The attempts before, which didn't pass.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier_attempts: Vec<AttemptRecord>,
    /// Whether it passed, but not on the first attempt.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub flaky: bool,
    /// What pikaci did, relative to the state folder.
    pub host_log_path: Option<RecordedPath>,
    /// What the job printed, relative to the state folder.
    pub guest_log_path: Option<RecordedPath>,
    /// The guest kernel's console, relative to the state folder.
    pub console_log_path: Option<RecordedPath>,
    /// The phase that it has reached.
    pub phase: Option<String>,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// The exit code of its command.
    pub exit_code: Option<i32>,
    /// Why it didn't pass.
    #[serde(flatten)]
    pub reason: Reason,
    /// Whether bytes of the output are missing from the log.
    pub log_cut: bool,
    /// Files that were brought back.
    pub artifacts: u64,
    /// Where they are, relative to the state folder.
    pub artifacts_dir: Option<RecordedPath>,
    /// Remarks that change no outcome, such as artifacts that are missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}
