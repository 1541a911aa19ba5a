//! Ends of what nobody carried out, or not to its end.

use crate::event::{JobFinished, Reason, What};
use crate::id::JobId;
use crate::record::{History, JobRecord, Outcome, Status};

/// Returns the end of a job that had no guest.
pub fn without_guest(job: &JobId, outcome: Outcome, reason: Reason) -> JobFinished {
    JobFinished {
        job: job.clone(),
        outcome,
        exit_code: None,
        reason,
        guest_log_bytes: 0,
        log_cut: false,
        artifacts: 0,
        artifacts_dir: None,
        warnings: Vec::new(),
    }
}

/// Returns how what is open ends with the process that saw to it.
pub fn ends_of_open(history: &History, message: &str) -> Vec<What> {
    let open = |status: Status| status.outcome().is_none();
    let prepares = history.run.prepares.iter().filter(|prepare| open(prepare.status));
    let prepares = prepares.map(|prepare| {
        let (node, reason) = (prepare.plan_node_id.clone(), Reason::new(message, "pikaci run"));
        What::PrepareFinished { node, outcome: Outcome::Errored, runner: None, reason }
    });
    let jobs = history.jobs.iter().filter(|job| open(job.status));
    let jobs = jobs.map(|job| What::JobFinished(Box::new(ended_with_run(job, message))));
    prepares.chain(jobs).collect()
}

fn ended_with_run(job: &JobRecord, message: &str) -> JobFinished {
    let (outcome, message) = match job.status {
        Status::RUNNING => (Outcome::Errored, message),
        _ => (Outcome::Cancelled, "the run was interrupted before it began"),
    };
    without_guest(&job.id, outcome, Reason::new(message, "pikaci run"))
}
