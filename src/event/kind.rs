//! Events of a run.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::job_end::{JobFinished, LogPaths};
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
    /// Returns the line for it, without its line break: the same in `events.jsonl` and on standard output.
    ///
    /// # Errors
    /// When JSON can't hold it.
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
