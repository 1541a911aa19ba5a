//! Events of a run.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::job_end::{JobFinished, LogPaths, LogRange};
use super::outcome::Outcome;
use super::reason::Reason;
use super::run_started::RunStarted;
use crate::id::{JobId, NodeId, RecordedPath};

/// Something that happened in a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// Time of the event.
    pub at: Timestamp,
    /// Kind of the event, with its data.
    #[serde(flatten)]
    pub kind: EventKind,
}

impl Event {
    /// Returns the line of the event without its line break, for `events.jsonl` and standard output.
    ///
    /// # Errors
    /// When JSON can't represent the event.
    pub fn to_line(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }
}

/// Kinds of events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum EventKind {
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
        /// The outcome: `cached` if the runner was built before.
        outcome: Outcome,
        /// The runner's store path.
        runner: Option<String>,
        /// The reason, if it didn't pass.
        #[serde(flatten)]
        reason: Reason,
    },
    /// The accelerator of the guests was chosen.
    AcceleratorChosen {
        /// `kvm` or `tcg`.
        accelerator: String,
        /// The reason for it.
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
    /// A step of a job began.
    StepStarted {
        /// The job.
        job: JobId,
        /// The step.
        step: String,
    },
    /// A step of a job ended.
    StepFinished {
        /// The job.
        job: JobId,
        /// The step.
        step: String,
        /// The outcome.
        outcome: Outcome,
        /// The exit code of its command.
        exit_code: Option<i32>,
        /// Its part of the job's log.
        log: LogRange,
    },
    /// A service of a job is ready.
    ServiceReady {
        /// The job.
        job: JobId,
        /// The service.
        service: String,
    },
    /// A service of a job ended before the job.
    ServiceEnded {
        /// The job.
        job: JobId,
        /// The service.
        service: String,
        /// The exit code of its command.
        exit_code: i32,
    },
    /// The output of a service arrived, after that of its job.
    ServiceLog {
        /// The job.
        job: JobId,
        /// The service.
        service: String,
        /// Its part of the job's log.
        log: LogRange,
    },
    /// An attempt at a job ended, and another one follows.
    AttemptFinished(Box<JobFinished>),
    /// A job ended.
    JobFinished(Box<JobFinished>),
    /// The run received a cancel request.
    CancelRequested {
        /// The sender of the request, `SIGINT` for instance.
        by: String,
    },
    /// The run ended; always the last event.
    RunFinished {
        /// The outcome.
        outcome: Outcome,
        /// A message about the end.
        message: Option<String>,
    },
}
