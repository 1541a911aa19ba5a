//! A job of a job file.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::network::Network;
use super::service::Service;
use super::shell::Shell;
use super::step::Step;
use super::variable::Variable;
use crate::guest::When;
use crate::id::JobId;

/// A job, or one leg of a job with a matrix, with defaults filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Purpose of the job, in one line.
    pub description: Option<String>,
    /// Value of each axis of the matrix in this leg; empty for a job without a matrix.
    pub matrix: BTreeMap<String, String>,
    /// Reason for which `adjust` leaves this leg out.
    pub skip: Option<String>,
    /// The steps, in their order: at least one. A job with a `command` has one step without a name.
    pub steps: Vec<Step>,
    /// Background processes of the job, by name.
    pub services: BTreeMap<String, Service>,
    /// The jobs that must end first.
    pub needs: Vec<JobId>,
    /// The ends of the needed jobs with which this job runs.
    pub when: When,
    /// Globs, relative to the project: the job runs only when a matching file changed. Empty if the job always runs.
    pub paths: Vec<String>,
    /// Environment variables of the command.
    pub env: BTreeMap<String, Variable>,
    /// Time limit of the command, in seconds.
    pub timeout_secs: u64,
    /// Time without output after which the job is ended, in seconds.
    pub stall_secs: Option<u64>,
    /// The shell of scripts.
    pub shell: Shell,
    /// Folder that the command starts in, relative to the workspace; empty for the workspace itself.
    pub workdir: String,
    /// Name of the guest that the job runs in.
    pub guest: String,
    /// True if the command runs as root of the guest.
    pub run_as_root: bool,
    /// Network of the guest.
    pub network: Network,
    /// Maximum number of further attempts after the command failed or timed out.
    pub retries: u32,
    /// Failures that don't make the run fail.
    pub allow_failure: AllowFailure,
    /// Name of the group whose limit counts the job.
    pub group: Option<String>,
    /// Globs, relative to the workspace, of the files to keep.
    pub artifacts: Vec<String>,
}

/// Command of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// A script for the job's shell.
    Script(String),
    /// A program and its arguments, run without a shell.
    Argv(Vec<String>),
}

/// Failures of a job that don't make its run fail: true, false or a list of exit codes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "AllowValue", into = "AllowValue")]
pub enum AllowFailure {
    /// No failure.
    #[default]
    Never,
    /// Every failure of the command, and its timeout.
    Always,
    /// A failure with one of these exit codes.
    Codes(Vec<u8>),
}

impl AllowFailure {
    /// Returns whether a failure with this exit code is allowed; a timeout has none.
    #[must_use]
    pub fn allows(&self, exit_code: Option<i32>) -> bool {
        match self {
            Self::Never => false,
            Self::Always => true,
            Self::Codes(codes) => codes.iter().any(|code| exit_code == Some(i32::from(*code))),
        }
    }

    /// Returns whether this is the default.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Allowed failures as a job file spells them.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum AllowValue {
    Switch(bool),
    Codes(Vec<u8>),
}

impl From<AllowValue> for AllowFailure {
    fn from(value: AllowValue) -> Self {
        match value {
            AllowValue::Switch(false) => Self::Never,
            AllowValue::Switch(true) => Self::Always,
            AllowValue::Codes(codes) => Self::Codes(codes),
        }
    }
}

impl From<AllowFailure> for AllowValue {
    fn from(allow: AllowFailure) -> Self {
        match allow {
            AllowFailure::Never => Self::Switch(false),
            AllowFailure::Always => Self::Switch(true),
            AllowFailure::Codes(codes) => Self::Codes(codes),
        }
    }
}
