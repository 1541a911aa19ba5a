//! The context that the nodes of a run share.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::guest_programs::GuestPrograms;
use crate::cancel::Cancel;
use crate::execute::qemu::kvm_probe::AcceleratorChoice;
use crate::flake::RenderedFlake;
use crate::id::{Digest, RunId};
use crate::plan::Budget;
use crate::quota::Quota;
use crate::secret::Secrets;
use crate::snapshot::GuestRepository;
use crate::state::StateLayout;
use crate::state::caches::CacheLimits;

/// The context of a run: the state, options and limits that its nodes share.
#[derive(Clone, Copy, Debug)]
pub struct RunContext<'a> {
    /// The run.
    pub run_id: &'a RunId,
    /// The state folder.
    pub state: &'a StateLayout,
    /// The programs that build and boot guests; `None` if no job has a guest.
    pub guest_programs: Option<&'a GuestPrograms>,
    /// The part of the environment that jobs without a guest see.
    pub env: &'a BTreeMap<String, String>,
    /// The copy of the source tree that all jobs of the run see.
    pub snapshot_dir: &'a Path,
    /// The repository for jobs that get one.
    pub repository: Option<&'a GuestRepository>,
    /// The parent of the folders in which jobs without a guest run.
    pub local_folder: &'a Path,
    /// The flakes to write if they don't exist yet.
    pub flakes: &'a BTreeMap<Digest, RenderedFlake>,
    /// The resources that nodes may use at the same time.
    pub budget: Budget,
    /// True if the first failure ends the run.
    pub fail_fast: bool,
    /// The operator's choice of an accelerator.
    pub accelerator: AcceleratorChoice,
    /// Number of times that a job runs again after its guest was lost.
    pub infra_retries: u32,
    /// The secrets of the run.
    pub secrets: &'a Secrets,
    /// The disk quota of the run.
    pub quota: &'a Quota,
    /// The limits on the caches of all jobs.
    pub cache_limits: CacheLimits,
    /// The cancel request.
    pub cancel: &'a Cancel,
}

impl<'a> RunContext<'a> {
    /// Returns the programs that build and boot guests.
    ///
    /// # Errors
    /// When the run was started without them.
    pub fn guest_programs(&self) -> Result<&'a GuestPrograms> {
        self.guest_programs.context("the run was started without the programs that build and boot guests")
    }
}
