//! Terminal events for nodes that were interrupted.

use super::history::History;
use super::job_record::JobRecord;
use crate::event::{EventKind, JobEnd, JobFinished, Outcome, Reason, Status};

/// Returns the terminal events of all open nodes of a run whose process has ended.
#[must_use]
pub fn terminal_events(history: &History, message: &str) -> Vec<EventKind> {
    let is_open = |status: Status| status.outcome().is_none();
    let prepares = history.run.prepares.iter().filter(|prepare| is_open(prepare.status));
    let prepares = prepares.map(|prepare| {
        let (node, reason) = (prepare.plan_node_id.clone(), Reason::new(message, "pikaci run"));
        EventKind::PrepareFinished { node, outcome: Outcome::Errored, runner: None, reason }
    });
    let jobs = history.jobs.iter().filter(|job| is_open(job.status));
    let jobs = jobs.map(|job| EventKind::JobFinished(Box::new(interrupted(job, message))));
    prepares.chain(jobs).collect()
}

fn interrupted(job: &JobRecord, message: &str) -> JobFinished {
    let (outcome, message) = match job.status {
        Status::RUNNING => (Outcome::Errored, message),
        _ => (Outcome::Cancelled, "the run was interrupted before it began"),
    };
    JobFinished { job: job.id.clone(), end: JobEnd::without_output(outcome, Reason::new(message, "pikaci run")) }
}
