//! An event as one plain line.

use super::{count, duration};
use crate::event::{Event, What};
use crate::record::{History, Outcome};

/// Returns the line for an event, or `None` for one that isn't worth one.
#[must_use]
pub fn line(event: &Event, history: &History) -> Option<String> {
    match &event.what {
        What::RunStarted(start) => Some(format!("run {}: {}", start.run_id, count(start.jobs.len(), "job"))),
        What::PrepareStarted { .. } | What::JobPhase { .. } | What::RunFinished { .. } => None,
        What::PrepareFinished { node, outcome, reason, .. } => {
            let took = history.run.prepares.iter().find(|prepare| prepare.plan_node_id == *node)?.started_at;
            let took = took.map(|start| format!(" in {}", duration(start, event.at))).unwrap_or_default();
            let why = reason.message.as_ref().map(|message| format!(": {message}")).unwrap_or_default();
            match outcome {
                Outcome::Cached => Some(format!("{node}: the runner is there already")),
                outcome => Some(format!("{node}: {}{took}{why}", outcome.word())),
            }
        }
        What::AcceleratorChosen { accelerator, reason } => Some(format!("guests run with {accelerator}: {reason}")),
        What::JobStarted { job, .. } => Some(format!("{job}: started")),
        What::JobFinished(finished) => {
            let start = history.job(&finished.job).and_then(|job| job.started_at);
            let took = start.map(|start| format!(" in {}", duration(start, event.at))).unwrap_or_default();
            let why = finished.reason.message.as_ref().map(|message| format!(": {message}")).unwrap_or_default();
            Some(format!("{}: {}{took}{why}", finished.job, finished.outcome.word()))
        }
        What::CancelRequested { by } => Some(format!("{by}: ending the jobs that run; once more to kill them")),
    }
}
