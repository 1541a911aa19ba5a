//! A step of a job.

use super::command::Command;
use crate::guest::When;

/// A step: one command of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Name of the step; empty for the `command` of a job without steps.
    pub name: String,
    /// The command to run.
    pub command: Command,
    /// Time limit of the step, in seconds, within that of the job.
    pub timeout_secs: Option<u64>,
    /// The ends of the steps before it with which the step runs.
    pub when: When,
}
