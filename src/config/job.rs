//! A job of a job file.

use std::collections::{BTreeMap, BTreeSet};

use super::allow_failure::AllowFailure;
use super::input::Input;
use super::network::Network;
use super::result_cache::ResultCache;
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
    /// The artifacts of needed jobs that this job gets, by the names of the inputs.
    pub inputs: BTreeMap<String, Input>,
    /// The ends of the needed jobs with which this job runs.
    pub when: When,
    /// Globs, relative to the project: the job runs only when a matching file changed. Empty if the job always runs.
    pub paths: Vec<String>,
    /// Environment variables of the command.
    pub env: BTreeMap<String, Variable>,
    /// Names of the secrets of the command.
    pub secrets: BTreeSet<String>,
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
    /// The reuse of an earlier result.
    pub cache: ResultCache,
    /// Names of the caches whose content the job gets and leaves.
    pub caches: Vec<String>,
    /// Name of the group whose limit counts the job.
    pub group: Option<String>,
    /// True if the workspace has a repository.
    pub git: bool,
    /// Globs, relative to the workspace, of the files to keep.
    pub artifacts: Vec<String>,
    /// True if the job fails unless each of these globs has a match and every match is kept.
    pub artifacts_required: bool,
    /// Limit on the size of the artifacts of an attempt, in MiB.
    pub artifacts_mib: u64,
}
