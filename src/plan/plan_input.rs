//! Input of a plan.

use super::budget::Budget;
use super::caller_env::CallerEnv;
use super::hypervisor::Capabilities;
use super::result_key::FileDigests;
use super::select::Selection;
use crate::config::Config;
use crate::facts::HostFacts;
use crate::flake::ProjectFiles;
use crate::id::Digest;

/// Input of a plan.
#[derive(Clone, Copy, Debug)]
pub struct PlanInput<'a> {
    /// The job file.
    pub config: &'a Config,
    /// The selected jobs.
    pub selection: &'a Selection,
    /// Facts about the host.
    pub facts: &'a HostFacts,
    /// The digest of the source tree, which is its snapshot's name.
    pub tree: &'a Digest,
    /// The digest of the repository, if a selected job gets it.
    pub repository: Option<&'a Digest>,
    /// The digests of the files that the `paths` of jobs with a result key match.
    pub files: &'a FileDigests,
    /// The hypervisor that boots the guests.
    pub hypervisor: &'a Capabilities,
    /// Files of the project that guests name.
    pub project: &'a ProjectFiles,
    /// The budget of the run.
    pub budget: Budget,
    /// Environment variables of the command line.
    pub caller_env: &'a CallerEnv,
    /// True if inputs of the project's flake may be paths of the host.
    pub allow_local_inputs: bool,
}
