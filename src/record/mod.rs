//! What is kept of a run and its jobs, and for how long: types, and the fold that makes them from events. Pure.

mod fold;
mod replay;
pub mod retention;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::event::Reason;
use crate::id::{JobId, NodeId, RecordedPath, RunId, TargetId};
use crate::plan::facts::OsRelease;
use crate::plan::record::LeftOutJob;

pub use fold::History;
pub use replay::{NoRecords, replay};

/// The version of run.json and status.json that this pikaci writes.
pub const SCHEMA_VERSION: u32 = 1;

/// What cancelled a run that was asked to end from elsewhere.
pub const CANCEL_COMMAND: &str = "pikaci cancel";

/// How a job, a node or a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It did what it should.
    Passed,
    /// Its command said that it failed.
    Failed,
    /// Its command reached its deadline.
    TimedOut,
    /// What should have run it broke.
    Errored,
    /// It was asked to end.
    Cancelled,
    /// Something that it needs didn't pass.
    Skipped,
    /// There was nothing to do.
    Cached,
}

impl Outcome {
    /// Returns whether what depends on it may run.
    #[must_use]
    pub fn is_success(self) -> bool {
        matches!(self, Self::Passed | Self::Cached)
    }

    /// Returns the word for it, as it stands in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::Errored => "errored",
            Self::Cancelled => "cancelled",
            Self::Skipped => "skipped",
            Self::Cached => "cached",
        }
    }

    /// Returns the outcome of a run with these outcomes of jobs: errored before failed before cancelled before passed.
    #[must_use]
    pub fn of_run(jobs: &[Self]) -> Self {
        let any = |outcomes: &[Self]| jobs.iter().any(|job| outcomes.contains(job));
        if any(&[Self::Errored]) {
            Self::Errored
        } else if any(&[Self::Failed, Self::TimedOut]) {
            Self::Failed
        } else if any(&[Self::Cancelled]) {
            Self::Cancelled
        } else {
            Self::Passed
        }
    }
}

/// Where something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", untagged)]
pub enum Status {
    /// It has not ended.
    Open(Open),
    /// It has ended.
    Done(Outcome),
}

/// Where something that has not ended stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Open {
    /// It has not begun.
    Queued,
    /// It has begun.
    Running,
}

impl Status {
    /// Not begun.
    pub const QUEUED: Self = Self::Open(Open::Queued);
    /// Begun.
    pub const RUNNING: Self = Self::Open(Open::Running);

    /// Returns the outcome of what has ended.
    #[must_use]
    pub fn outcome(self) -> Option<Outcome> {
        match self {
            Self::Open(_) => None,
            Self::Done(outcome) => Some(outcome),
        }
    }

    /// Returns the word for it, as it stands in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::QUEUED => "queued",
            Self::RUNNING => "running",
            Self::Done(outcome) => outcome.word(),
        }
    }
}

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
}
