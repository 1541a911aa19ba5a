//! The end of a job or of an attempt at it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cache_use::CacheUse;
use super::outcome::Outcome;
use super::reason::Reason;
use crate::config::AllowFailure;
use crate::id::{JobId, RecordedPath, RunId};

/// Logs of an attempt, relative to the state folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogPaths {
    /// Command lines, and the output of the hypervisor and the share daemons.
    pub host: RecordedPath,
    /// Output of the job.
    pub guest: RecordedPath,
    /// The guest kernel's console, if there is a guest.
    pub console: Option<RecordedPath>,
}

/// The end of a job or of an attempt at it, as an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JobFinished {
    /// The job.
    pub job: JobId,
    /// Its end.
    #[serde(flatten)]
    pub end: JobEnd,
}

/// The end of a job or of an attempt at it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JobEnd {
    /// The outcome.
    pub outcome: Outcome,
    /// True if the job file allows this failure, so that the run doesn't fail.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allowed: bool,
    /// The exit of the command.
    #[serde(flatten)]
    pub exit: JobExit,
    /// Extent of the output's log.
    #[serde(flatten)]
    pub log: LogExtent,
    /// The artifacts.
    #[serde(flatten)]
    pub artifacts: ArtifactSummary,
    /// The uses of its caches.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub caches: Vec<CacheUse>,
    /// Warnings that change no outcome, about missing artifacts for instance.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// The earlier result that the job took instead of running.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken: Option<TakenResult>,
    /// True if another attempt may pass because the guest was lost.
    #[serde(skip)]
    pub retryable: bool,
}

/// The result of an earlier run that a job took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TakenResult {
    /// The earlier run, in which the job passed.
    pub from: RunId,
    /// The logs of that run.
    pub logs: LogPaths,
}

/// The exit of a job's command.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JobExit {
    /// The exit code of the command.
    pub exit_code: Option<i32>,
    /// The reason, if it didn't pass.
    #[serde(flatten)]
    pub reason: Reason,
}

impl From<Reason> for JobExit {
    fn from(reason: Reason) -> Self {
        Self { exit_code: None, reason }
    }
}

/// Extent of a log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogExtent {
    /// Bytes in the guest's log; the attempt's output lies before this offset.
    pub guest_log_bytes: u64,
    /// True if the log lacks a part of the output.
    pub log_cut: bool,
}

/// Part of a log, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogRange {
    /// Offset of the first byte.
    pub start: u64,
    /// Offset after the last byte.
    pub end: u64,
}

/// Number and place of a job's artifacts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ArtifactSummary {
    /// Number of files.
    pub artifacts: u64,
    /// Their folder, relative to the state folder.
    pub artifacts_dir: Option<RecordedPath>,
}

impl JobEnd {
    /// Marks a failure that the job file allows.
    pub fn mark_allowed(&mut self, allowed: &AllowFailure) {
        let is_failure = matches!(self.outcome, Outcome::Failed | Outcome::TimedOut);
        self.allowed = is_failure && allowed.allows(self.exit.exit_code);
    }

    /// Returns the end of a job that left neither output nor artifacts.
    #[must_use]
    pub fn without_output(outcome: Outcome, exit: impl Into<JobExit>) -> Self {
        Self {
            outcome,
            allowed: false,
            exit: exit.into(),
            log: LogExtent::default(),
            artifacts: ArtifactSummary::default(),
            caches: Vec::new(),
            warnings: Vec::new(),
            taken: None,
            retryable: false,
        }
    }

    /// Records an infrastructure failure: `Passed` becomes `Errored`; any other outcome keeps it as evidence.
    pub fn add_infra_failure(&mut self, failure: String) {
        if self.outcome == Outcome::Passed {
            self.outcome = Outcome::Errored;
            self.exit.reason = Reason { message: Some(failure), ..Reason::default() };
        } else {
            self.exit.reason.evidence.push(failure);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{JobEnd, JobExit, Outcome};

    #[test]
    fn an_infrastructure_failure_keeps_every_verdict_but_a_pass() {
        let after_failure = |outcome| {
            let exit = JobExit { exit_code: Some(3), ..JobExit::default() };
            let mut end = JobEnd::without_output(outcome, exit);
            end.add_infra_failure("no space".to_owned());
            end
        };
        let passed = after_failure(Outcome::Passed);
        assert_eq!((passed.outcome, passed.exit.reason.message.as_deref()), (Outcome::Errored, Some("no space")));
        for outcome in [Outcome::Failed, Outcome::TimedOut, Outcome::Errored, Outcome::Cancelled] {
            let end = after_failure(outcome);
            assert_eq!((end.outcome, end.exit.exit_code), (outcome, Some(3)));
            assert_eq!((end.exit.reason.message, end.exit.reason.evidence), (None, vec!["no space".to_owned()]));
        }
    }
}
