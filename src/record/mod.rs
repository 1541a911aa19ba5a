//! What is kept of a run and its jobs, and for how long: types, and the fold that makes them from events. Pure.

mod fold;
mod left_out;
mod manifest;
mod replay;
pub mod retention;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::event::{Reason, RunInfo};
use crate::id::{JobId, NodeId, RecordedPath};
use crate::plan::record::LeftOutJob;

pub use fold::History;
pub use left_out::{LeftOutFile, LeftOutFiles};
pub use manifest::{Artifact, MANIFEST_VERSION, Manifest};
pub use replay::{NoRecords, replay};

pub use crate::event::{Open, Outcome, Status};

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
    /// Its status.
    pub status: Status,
    /// Its circumstances.
    #[serde(flatten)]
    pub info: RunInfo,
    /// Time of its start.
    pub created_at: Timestamp,
    /// Time of its end.
    pub finished_at: Option<Timestamp>,
    /// A message about its end.
    pub message: Option<String>,
    /// The sender of the cancel request, if it came before the end of the last job.
    #[serde(default)]
    pub cancelled_by: Option<String>,
    /// The accelerator of the guests, and the reason for it.
    pub accelerator: Option<Accelerator>,
    /// The Prepare nodes.
    pub prepares: Vec<PrepareRecord>,
    /// The jobs, in the order of the plan.
    pub jobs: Vec<JobSummary>,
    /// The jobs that the changed files left out, with the reasons.
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
