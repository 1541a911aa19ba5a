//! A run from its start to its end.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::caught::caught;
use super::recorder::{Observer, Recorder};
use super::walk::Walk;
use crate::cancel::Cancel;
use crate::event::RunStarted;
use crate::execute::launcher::HypervisorPrograms;
use crate::execute::qemu::kvm_probe::AcceleratorChoice;
use crate::failpoint::{self, Point};
use crate::flake::RenderedFlake;
use crate::id::Digest;
use crate::nix::Nix;
use crate::plan::{Budget, RunPlanRecord};
use crate::quota::Quota;
use crate::record::History;
use crate::state::StateLayout;
use crate::state::gc::Claim;

/// The programs that build and boot guests on this host.
#[derive(Clone, Debug)]
pub struct Machines {
    /// Nix.
    pub nix: Nix,
    /// The hypervisor.
    pub programs: HypervisorPrograms,
    /// Architecture of the host and its guests.
    pub arch: String,
    /// User id of pikaci.
    pub uid: u32,
}

/// Everything around the nodes of a run.
#[derive(Clone, Copy, Debug)]
pub struct RunContext<'a> {
    /// The state folder.
    pub state: &'a StateLayout,
    /// The programs that build and boot guests; `None` if no job has a guest.
    pub machines: Option<&'a Machines>,
    /// The part of the environment that jobs without a guest see.
    pub env: &'a BTreeMap<String, String>,
    /// The copy of the source tree that all jobs of the run see.
    pub snapshot_dir: &'a Path,
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
    /// The disk quota of the run.
    pub quota: &'a Quota,
    /// The cancel request.
    pub cancel: &'a Cancel,
}

impl<'a> RunContext<'a> {
    /// Returns the programs that build and boot guests.
    ///
    /// # Errors
    /// When the run was started without them.
    pub fn machines(&self) -> Result<&'a Machines> {
        self.machines.context("the run was begun without what builds and boots guests")
    }
}

/// Runs a plan and records everything. Returns the history, with an error if the end couldn't be recorded.
///
/// The claim ends when the run's records name everything that the run needs.
///
/// # Errors
/// When the run can't be started.
pub fn run(
    context: RunContext<'_>,
    plan: &RunPlanRecord,
    start: RunStarted,
    claim: Claim,
    observer: Observer<'_>,
) -> Result<(History, Result<()>)> {
    let run = context.state.run(&start.info.run_id);
    let mut recorder = Recorder::begin(context.state, plan, start, observer)?;
    drop(claim);
    let walk = Walk::new(context, run, plan);
    let walked = caught(|| {
        walk.run_all(&mut recorder);
        Ok(())
    });
    failpoint::turn(Point::Ended)?;
    if let Err(error) = walked {
        recorder.abandon(&format!("{error:#}"));
    }
    Ok(recorder.finish())
}
