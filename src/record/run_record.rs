//! The record of a run.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::event::{Reason, RunSelection, RunSource, Status};
use crate::facts::OsRelease;
use crate::id::{JobId, NodeId, RecordedPath, RunId};
use crate::plan::record::LeftOutJob;

/// Version of run.json and status.json that this pikaci writes.
pub const SCHEMA_VERSION: u32 = 1;

/// Sender of a cancel request that another process made.
pub const CANCEL_COMMAND: &str = "pikaci cancel";

/// A run, as it is written to `run.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunRecord {
    /// The version of this format.
    #[schemars(extend("const" = SCHEMA_VERSION))]
    pub schema_version: u32,
    /// The run.
    pub run_id: RunId,
    /// Its status.
    pub status: Status,
    /// Its source.
    #[serde(flatten)]
    pub source: RunSource,
    /// Time of its start.
    pub created_at: Timestamp,
    /// Time of its end.
    pub finished_at: Option<Timestamp>,
    /// Its plan, and the selection that led to it.
    #[serde(flatten)]
    pub selection: RunSelection,
    /// A message about its end.
    pub message: Option<String>,
    /// The sender of the cancel request, if it came before the end of the last job.
    #[serde(default)]
    pub cancelled_by: Option<String>,
    /// For base `host`: the system whose userland the guests use.
    pub host_os: Option<OsRelease>,
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

/// The accelerator of a run's guests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Accelerator {
    /// `kvm` or `tcg`.
    pub name: String,
    /// The reason for it.
    pub reason: String,
}

/// A Prepare node in a run's record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PrepareRecord {
    /// The node in the plan.
    pub plan_node_id: NodeId,
    /// Its status.
    pub status: Status,
    /// The log of the build, relative to the state folder.
    pub log_path: Option<RecordedPath>,
    /// The runner's store path.
    pub runner: Option<String>,
    /// Time of its start.
    pub started_at: Option<Timestamp>,
    /// Time of its end.
    pub finished_at: Option<Timestamp>,
    /// The reason, if it didn't pass.
    #[serde(flatten)]
    pub reason: Reason,
}

/// A job in its run's record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JobSummary {
    /// The job.
    pub id: JobId,
    /// Its status.
    pub status: Status,
    /// True if it passed after a failed attempt.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub flaky: bool,
    /// True if it failed and the job file allows that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allowed: bool,
    /// The record of the job, relative to the state folder.
    pub status_path: RecordedPath,
}
