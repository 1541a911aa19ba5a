//! Walks a plan and emits events: the only place where effects meet.

#![expect(clippy::disallowed_methods, reason = "the engine writes records, reads the clock and starts threads")]

mod attempt;
mod ends;
mod errand;
mod exec;
mod job;
mod local;
mod recorder;
mod recover;
mod retry;
mod schedule;
mod walk;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result};

pub use exec::{Exec, exec};
pub use recorder::{Observer, Recorder};
pub use recover::{as_interrupted, recover_interrupted, replay};

use crate::cancel::Cancel;
use crate::event::RunStarted;
use crate::execute::accelerator::Choice;
use crate::execute::launch::Programs;
use crate::failpoint::{self, Point};
use crate::flake::RenderedFlake;
use crate::id::Digest;
use crate::nix::Nix;
use crate::plan::{Budget, RunPlanRecord};
use crate::quota::Quota;
use crate::record::History;
use crate::state::StateLayout;
use crate::state::gc::Claim;

/// What builds guests and boots them.
#[derive(Clone, Debug)]
pub struct Machines {
    /// Nix.
    pub nix: Nix,
    /// The host.
    pub host: Host,
}

/// The programs and the user of this host.
#[derive(Clone, Debug)]
pub struct Host {
    /// The hypervisor's programs.
    pub programs: Programs,
    /// The architecture, of the guests too.
    pub arch: String,
    /// The user that pikaci runs as.
    pub uid: u32,
}

/// All that a run is carried out with.
#[derive(Clone, Copy, Debug)]
pub struct Settings<'a> {
    /// The state folder.
    pub state: &'a StateLayout,
    /// What builds guests and boots them; nothing where no job has a guest.
    pub machines: Option<&'a Machines>,
    /// What of the environment jobs without a guest see.
    pub env: &'a BTreeMap<String, String>,
    /// The copy of the source tree that all jobs of the run see.
    pub snapshot: &'a Path,
    /// The parent of the folders that jobs without a guest work in.
    pub local_folder: &'a Path,
    /// The flakes to write where they aren't there.
    pub flakes: &'a BTreeMap<Digest, RenderedFlake>,
    /// How much may run at a time.
    pub budget: Budget,
    /// Whether the first failure ends the run.
    pub fail_fast: bool,
    /// How guests are to be accelerated.
    pub accelerator: Choice,
    /// How often a job whose guest was lost runs again.
    pub infra_retries: u32,
    /// The disk budget that all jobs of the run use up.
    pub quota: &'a Quota,
    /// The request to end.
    pub cancel: &'a Cancel,
}

impl<'a> Settings<'a> {
    fn machines(&self) -> Result<&'a Machines> {
        self.machines.context("the run was begun without what builds and boots guests")
    }
}

/// Carries out a plan, records everything, and returns how it went, with the error where its end couldn't be recorded.
///
/// The claim ends when the run's records say what it needs.
///
/// # Errors
/// When the run can't be begun.
pub fn run(
    settings: Settings<'_>,
    plan: &RunPlanRecord,
    start: RunStarted,
    claim: Claim,
    observer: Observer<'_>,
) -> Result<(History, Result<()>)> {
    let run = settings.state.run(&start.run_id);
    let mut recorder = Recorder::begin(settings.state, plan, start, observer)?;
    drop(claim);
    let walk = walk::Walk::new(settings, run, plan);
    let walked = errand::caught(|| {
        walk.carry_out_all(&mut recorder);
        Ok(())
    });
    failpoint::turn(Point::Ended)?;
    if let Err(error) = walked {
        recorder.abandon(&format!("{error:#}"));
    }
    Ok(recorder.finish())
}

fn signal_name(signal: i32) -> String {
    match signal {
        1 => "SIGHUP".to_owned(),
        2 => "SIGINT".to_owned(),
        15 => "SIGTERM".to_owned(),
        other => format!("signal {other}"),
    }
}
