//! Input of a plan.

use super::budget::Budget;
use super::caller_env::CallerEnv;
use super::hypervisor::Capabilities;
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
    /// The snapshot of the source tree.
    pub snapshot: &'a Digest,
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
