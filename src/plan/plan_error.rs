//! Errors of planning.

use crate::facts::MissingFact;
use crate::flake::FlakeError;
use crate::id::JobId;

/// Reason for which a plan can't be made.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The host lacks what a guest needs.
    #[error("guest {guest:?} can't be built: {}", fact.reason)]
    Missing {
        /// The guest.
        guest: String,
        /// The missing part.
        fact: MissingFact,
    },
    /// The hypervisor lacks a capability that a guest needs.
    #[error("guest {guest:?} can't run in {hypervisor}: {reason}")]
    Unfit {
        /// The guest.
        guest: String,
        /// The hypervisor.
        hypervisor: &'static str,
        /// The reason.
        reason: &'static str,
    },
    /// A job inherits a variable that has no value.
    #[error("job {job} inherits the variable {variable}, which has no value")]
    NoVariable {
        /// The job.
        job: JobId,
        /// The variable.
        variable: String,
    },
    /// A job has an input from a job that isn't selected.
    #[error("job {job} gets artifacts of the job {source_job}, which isn't selected")]
    NoInput {
        /// The job.
        job: JobId,
        /// The job that leaves the artifacts.
        source_job: JobId,
    },
    /// A job has secrets, and the hypervisor can't keep them.
    #[error("job {job} has secrets, but {hypervisor} keeps the request and the output of a guest in files")]
    NoSecrets {
        /// The job.
        job: JobId,
        /// The hypervisor.
        hypervisor: &'static str,
    },
    /// A guest names a folder of a home that doesn't exist.
    #[error("guest {guest:?} sees {folder}, and this user has no home folder")]
    NoHome {
        /// The guest.
        guest: String,
        /// The folder.
        folder: String,
    },
    /// A guest requests more memory than jobs may use.
    #[error("guest {guest:?} requests {requested_mib} MiB of memory, but jobs may use {available_mib} MiB")]
    TooLarge {
        /// The guest.
        guest: String,
        /// Requested memory, in MiB.
        requested_mib: u64,
        /// Memory that jobs may use, in MiB.
        available_mib: u64,
    },
    /// A guest requests more CPUs than jobs may use.
    #[error("guest {guest:?} requests {requested} CPUs, but jobs may use {available}")]
    TooManyCpus {
        /// The guest.
        guest: String,
        /// Requested CPUs.
        requested: u32,
        /// CPUs that jobs may use.
        available: u32,
    },
    /// A flake can't be rendered.
    #[error("rendering the runner of guest {guest:?}")]
    Render {
        /// The guest.
        guest: String,
        /// The error.
        source: FlakeError,
    },
}
