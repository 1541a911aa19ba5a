//! The output of jobs that didn't pass, with hints.

use std::collections::BTreeMap;

use crate::cli::host_programs::locate_program;
use crate::event::Outcome;
use crate::execute::console::tail_before;
use crate::id::JobId;
use crate::plan::RunPlanRecord;
use crate::plan::record::PlannedJob;
use crate::record::{History, JobRecord};
use crate::report::{FailedCommand, FailureOutput, failure_hint};
use crate::state::StateLayout;

/// Returns the last lines of the output of each job that didn't pass, and the hints that follow from them.
pub fn failure_output(state: &StateLayout, history: &History, plan: &RunPlanRecord) -> FailureOutput {
    let planned: BTreeMap<&JobId, &PlannedJob> = plan.jobs().map(|job| (&job.job, job)).collect();
    let mut output = FailureOutput::default();
    for job in history.jobs.iter().filter(|job| !job.status.outcome().is_some_and(Outcome::is_success)) {
        let Some(tail) = last_lines(state, job) else { continue };
        if let Some(planned) = planned.get(&job.id).filter(|_| job.status.outcome() == Some(Outcome::Failed)) {
            let failed =
                FailedCommand { job: planned, exit_code: job.exit.exit_code, tail: &tail, locate: &locate_program };
            output.hints.extend(failure_hint(&failed).map(|hint| (job.id.clone(), hint)));
        }
        output.tails.insert(job.id.clone(), tail);
    }
    output
}

fn last_lines(state: &StateLayout, job: &JobRecord) -> Option<Vec<String>> {
    let path = job.logs.guest_log_path.as_ref()?;
    let end = job.failure_log_end().unwrap_or(u64::MAX);
    Some(tail_before(&state.recorded(path), end).unwrap_or_default())
}
