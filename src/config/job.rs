//! A job of a job file.

use std::collections::BTreeMap;

use super::network::Network;
use crate::id::JobId;

/// A job: a command and its settings, with defaults filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Purpose of the job, in one line.
    pub description: Option<String>,
    /// The command to run.
    pub command: Command,
    /// The jobs that must pass first.
    pub needs: Vec<JobId>,
    /// Globs, relative to the project: the job runs only when a matching file changed. Empty if the job always runs.
    pub paths: Vec<String>,
    /// Environment variables of the command.
    pub env: BTreeMap<String, String>,
    /// Time limit of the command, in seconds.
    pub timeout_secs: u64,
    /// Name of the guest that the job runs in.
    pub guest: String,
    /// True if the command runs as root of the guest.
    pub run_as_root: bool,
    /// Network of the guest.
    pub network: Network,
    /// Maximum number of further attempts after the command failed or timed out.
    pub retries: u32,
    /// Globs, relative to the workspace, of the files to keep.
    pub artifacts: Vec<String>,
}

/// Command of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// A script for `sh -euc`.
    Shell(String),
    /// A program and its arguments, run without a shell.
    Argv(Vec<String>),
}
