//! A run from its first event to its last.

use anyhow::Result;

use super::catch_panic::catch_panic;
use super::recorder::{Observer, Recorder};
use super::run_context::RunContext;
use super::walk::Walk;
use crate::event::RunStarted;
use crate::failpoint::{self, Point};
use crate::plan::RunPlanRecord;
use crate::record::History;
use crate::state::gc::RunClaim;
use crate::state::link_latest_run;

/// Runs a plan and records its events. Returns the history, with an error if the end of the run couldn't be recorded.
///
/// Drops the claim as soon as the run's records name everything that the run needs.
///
/// # Errors
/// When the run can't be started.
pub fn run(
    context: RunContext<'_>,
    plan: &RunPlanRecord,
    start: RunStarted,
    claim: RunClaim,
    observer: Observer<'_>,
) -> Result<(History, Result<()>)> {
    let run = context.state.run(&start.run_id);
    let mut recorder = Recorder::begin(context.state, plan, start, observer)?;
    drop(claim);
    // Only the convenience of the link is lost.
    link_latest_run(context.state, context.run_id).ok();
    let walk = Walk::new(context, run, plan);
    let walked = catch_panic(|| {
        walk.run_all(&mut recorder);
        Ok(())
    });
    failpoint::checkpoint(Point::Ended)?;
    if let Err(error) = walked {
        recorder.abandon(&format!("{error:#}"));
    }
    Ok(recorder.finish())
}
