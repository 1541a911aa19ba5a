//! The outcome and the status of a run, a node or a job.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The end of a job, a node or a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It succeeded.
    Passed,
    /// Its command ended with a failure.
    Failed,
    /// Its command reached its time limit.
    TimedOut,
    /// pikaci, Nix, the hypervisor or the host failed.
    Errored,
    /// A cancel request ended it.
    Cancelled,
    /// A node that it needs didn't pass.
    Skipped,
    /// Its result existed before.
    Cached,
}

impl Outcome {
    /// Returns whether the nodes that need it may run.
    #[must_use]
    pub fn is_success(self) -> bool {
        matches!(self, Self::Passed | Self::Cached)
    }

    /// Returns the name in JSON.
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

    /// Returns the outcome of a run from the outcomes of its jobs: errored outranks failed, then cancelled, then
    /// passed.
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

/// The status of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", untagged)]
pub enum Status {
    /// It has not ended.
    Open(Open),
    /// It has ended.
    Done(Outcome),
}

/// The status of something that has not ended.
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

    /// Returns the outcome, if there is one.
    #[must_use]
    pub fn outcome(self) -> Option<Outcome> {
        match self {
            Self::Open(_) => None,
            Self::Done(outcome) => Some(outcome),
        }
    }

    /// Returns the name in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::QUEUED => "queued",
            Self::RUNNING => "running",
            Self::Done(outcome) => outcome.word(),
        }
    }
}
