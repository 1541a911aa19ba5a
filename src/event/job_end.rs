//! The end of a job or of an attempt at it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::outcome::Outcome;
use super::reason::Reason;
use crate::id::{JobId, RecordedPath};

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
    /// The exit code of the command.
    pub exit_code: Option<i32>,
    /// True if the job file allows this failure, so that the run doesn't fail.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allowed: bool,
    /// The reason, if it didn't pass.
    #[serde(flatten)]
    pub reason: Reason,
    /// Extent of the output's log.
    #[serde(flatten)]
    pub log: LogExtent,
    /// The artifacts.
    #[serde(flatten)]
    pub artifacts: ArtifactSummary,
    /// Warnings that change no outcome, about missing artifacts for instance.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// True if another attempt may pass because the guest was lost.
    #[serde(skip)]
    pub retryable: bool,
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
    /// Returns the end of a job that left neither output nor artifacts.
    #[must_use]
    pub fn without_output(outcome: Outcome, reason: Reason) -> Self {
        Self {
            outcome,
            exit_code: None,
            allowed: false,
            reason,
            log: LogExtent::default(),
            artifacts: ArtifactSummary::default(),
            warnings: Vec::new(),
            retryable: false,
        }
    }

    /// Records an infrastructure failure: `Passed` becomes `Errored`; any other outcome keeps it as evidence.
    pub fn add_infra_failure(&mut self, failure: String) {
        if self.outcome == Outcome::Passed {
            self.outcome = Outcome::Errored;
            self.reason = Reason { message: Some(failure), ..Reason::default() };
        } else {
            self.reason.evidence.push(failure);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{JobEnd, Outcome, Reason};

    #[test]
    fn an_infrastructure_failure_keeps_every_verdict_but_a_pass() {
        let after_failure = |outcome| {
            let mut end = JobEnd { exit_code: Some(3), ..JobEnd::without_output(outcome, Reason::default()) };
            end.add_infra_failure("no space".to_owned());
            end
        };
        let passed = after_failure(Outcome::Passed);
        assert_eq!((passed.outcome, passed.reason.message.as_deref()), (Outcome::Errored, Some("no space")));
        for outcome in [Outcome::Failed, Outcome::TimedOut, Outcome::Errored, Outcome::Cancelled] {
            let end = after_failure(outcome);
            assert_eq!((end.outcome, end.exit_code), (outcome, Some(3)));
            assert_eq!((end.reason.message, end.reason.evidence), (None, vec!["no space".to_owned()]));
        }
    }
}
