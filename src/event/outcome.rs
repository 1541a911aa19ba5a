//! The outcome and the status of a run, a node or a job.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The end of a job, a node or a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It did what it should.
    Passed,
    /// Its command said that it failed.
    Failed,
    /// Its command reached its deadline.
    TimedOut,
    /// It couldn't be carried out.
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
