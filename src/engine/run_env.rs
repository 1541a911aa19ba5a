//! Variables that describe an attempt to the commands of its job.

use std::collections::BTreeMap;

use crate::event::Outcome;
use crate::id::RunId;
use crate::plan::record::PlannedJob;

/// Returns the variables of an attempt: the job, the run, the number of the attempt, and the outcome of the needed jobs
/// together. A job that Nix builds has no run.
pub fn run_env(job: &PlannedJob, run: Option<&RunId>, attempt: u32, needs_status: Outcome) -> BTreeMap<String, String> {
    let run = run.map(|run| ("PIKACI_RUN_ID", run.to_string()));
    let own = [
        ("PIKACI_JOB", job.job.to_string()),
        ("PIKACI_ATTEMPT", attempt.to_string()),
        ("PIKACI_NEEDS_STATUS", needs_status.word().to_owned()),
    ];
    own.into_iter().chain(run).map(|(name, value)| (name.to_owned(), value)).collect()
}
