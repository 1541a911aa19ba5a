//! The request of a selection.

use std::collections::BTreeSet;

use crate::id::{JobId, RunId};

/// The jobs that the operator requests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SelectionRequest {
    /// Targets, jobs and patterns of jobs; all jobs if there are none.
    pub names: Vec<String>,
    /// Targets, jobs and patterns of jobs that don't run.
    pub skip: Vec<String>,
    /// True if jobs run without the jobs that they need.
    pub only: bool,
    /// True if changed files select among named jobs and jobs without `paths` too.
    pub affected: bool,
    /// Nix system of the host, on which the base of some guests depends.
    pub system: String,
    /// The jobs of a run among which to select.
    pub failed: Option<FailedJobs>,
}

/// The jobs of a run that didn't pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedJobs {
    /// The run.
    pub run: RunId,
    /// The jobs.
    pub jobs: BTreeSet<JobId>,
}
