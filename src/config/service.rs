//! A service of a job.

use std::collections::BTreeMap;

use super::command::Command;

/// A background process that runs from the start of a job to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// The command to run.
    pub command: Command,
    /// The command that succeeds once the service is ready; without one it is ready at once.
    pub ready: Option<Command>,
    /// Environment variables of the service, added to those of the job.
    pub env: BTreeMap<String, String>,
    /// Time limit for the service to become ready, in seconds.
    pub timeout_secs: u64,
    /// The services that must be ready before this one starts.
    pub needs: Vec<String>,
}
