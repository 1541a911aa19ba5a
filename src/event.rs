//! What happened, as values: one line each of `events.jsonl`. Records and everything printed are folds over these. Pure.
//!
//! # The format
//!
//! A line of `events.jsonl`, and of what `pikaci run --format json` prints while it runs, is an [`Event`] as an object of
//! JSON; `pikaci schema events` prints what stands in it. The first is `run_started` and says which version of the format
//! it is, the last of a run that has ended is `run_finished`.
//!
//! Within a version kinds of events and fields may be added; none goes, gets another name or another meaning. So who reads
//! passes over what it doesn't know, as it passes over the half line that a crash may have left. A log of a later version
//! has no records for an earlier pikaci, which says so and leaves the run as it is ([`crate::record::replay`]).

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{JobId, NodeId, RecordedPath, RunId, TargetId};
use crate::plan::facts::OsRelease;
use crate::plan::record::LeftOutJob;
use crate::record::Outcome;

/// The version of the events that this pikaci writes; it stands in each `run_started`.
pub const SCHEMA_VERSION: u32 = 1;

/// Something that happened, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub what: What,
}

impl Event {
    /// Returns the line for it, without its line break: the same in `events.jsonl` and on standard output.
    ///
    /// # Errors
    /// When JSON can't hold it.
    pub fn to_line(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum What {
    /// A run began; always the first event.
    RunStarted(Box<RunStarted>),
    /// A Prepare node began.
    PrepareStarted {
        /// The node.
        node: NodeId,
        /// The log of the build, relative to the state folder.
        log_path: RecordedPath,
    },
    /// A Prepare node ended.
    PrepareFinished {
        /// The node.
        node: NodeId,
        /// How it ended: `cached` when there was nothing to build.
        outcome: Outcome,
        /// The runner's store path.
        runner: Option<String>,
        /// Why it didn't pass.
        #[serde(flatten)]
        reason: Reason,
    },
    /// How guests are accelerated was found out.
    AcceleratorChosen {
        /// `kvm` or `tcg`.
        accelerator: String,
        /// Why.
        reason: String,
    },
    /// A job began.
    JobStarted {
        /// The job.
        job: JobId,
        /// The attempt, from 1.
        attempt: u32,
        /// Its logs.
        logs: LogPaths,
    },
    /// A job's guest reached a phase.
    JobPhase {
        /// The job.
        job: JobId,
        /// The phase.
        phase: String,
        /// The guest's uptime, in milliseconds; null for a phase of the host.
        uptime_ms: Option<u64>,
    },
    /// An attempt at a job ended, after which the job is tried once more.
    AttemptFinished(Box<JobFinished>),
    /// A job ended.
    JobFinished(Box<JobFinished>),
    /// The run was asked to end.
    CancelRequested {
        /// By what: `SIGINT` for instance.
        by: String,
    },
    /// The run ended; always the last event.
    RunFinished {
        /// How it ended.
        outcome: Outcome,
        /// What is to be said about it.
        message: Option<String>,
    },
}

/// The circumstances of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunStarted {
    /// The version of the events that follow.
    #[schemars(extend("const" = SCHEMA_VERSION))]
    pub schema_version: u32,
    /// The version of pikaci that writes them.
    pub pikaci_version: String,
    /// The run.
    pub run_id: RunId,
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
    /// The commit that is checked out.
    pub git_head: Option<String>,
    /// Whether the working tree differs from it.
    pub git_dirty: Option<bool>,
    /// The plan, relative to the state folder.
    pub plan_path: RecordedPath,
    /// The files that `paths` were matched against.
    pub changed_files: Option<Vec<String>>,
    /// The names that the command line gave.
    pub filters: Vec<String>,
    /// For base `host`: the system whose userland the guests use.
    pub host_os: Option<OsRelease>,
    /// The jobs, in the order of the plan.
    pub jobs: Vec<DeclaredJob>,
    /// The jobs that the changed files left out.
    #[serde(default)]
    pub left_out: Vec<LeftOutJob>,
}

/// A job of a run before anything has happened to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeclaredJob {
    /// The job.
    pub id: JobId,
    /// What it does.
    pub description: String,
    /// What carries it out.
    pub executor: String,
    /// Its node in the plan.
    pub plan_node_id: NodeId,
    /// How long its command may take, in seconds.
    pub timeout_secs: u64,
}

/// Where an attempt's logs are, relative to the state folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogPaths {
    /// What pikaci did: command lines, and what the hypervisor and the share daemons said.
    pub host: RecordedPath,
    /// What the job printed.
    pub guest: RecordedPath,
    /// The guest kernel's console, where there is a guest.
    pub console: Option<RecordedPath>,
}

/// How a job or an attempt at it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JobFinished {
    /// The job.
    pub job: JobId,
    /// How it ended.
    pub outcome: Outcome,
    /// The exit code of its command.
    pub exit_code: Option<i32>,
    /// Why it didn't pass.
    #[serde(flatten)]
    pub reason: Reason,
    /// Bytes in the guest's log; what is shown of it lies before this offset.
    pub guest_log_bytes: u64,
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

/// Why something didn't pass, and what to do about it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reason {
    /// What happened.
    pub message: Option<String>,
    /// What to do, as a command where there is one.
    pub hint: Option<String>,
    /// The last lines of the log that shows it, when that isn't the guest's log.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
}

impl Reason {
    /// Returns a reason with a message and a hint.
    #[must_use]
    pub fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: Some(message.into()), hint: Some(hint.into()), evidence: Vec::new() }
    }
}
