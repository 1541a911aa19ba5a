//! The jobs that didn't pass in the last run.

use anyhow::anyhow;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::eprint_line;
use crate::config::Config;
use crate::event::Outcome;
use crate::plan::FailedJobs;
use crate::record::RunRecord;
use crate::state::{RunStore, StateLayout};

/// Returns the jobs that didn't pass in the newest run that ended. Prints a note about each that no longer exists.
pub fn failed_jobs(config: &Config, state: &StateLayout) -> Result<FailedJobs, Failure> {
    let store = RunStore::new(state.clone());
    let ids = store.ids()?;
    let ended = |record: &RunRecord| record.status.outcome().is_some();
    let mut records = ids.iter().rev().filter_map(|id| store.load(id).into_record().ok()).filter(ended);
    let Some(record) = records.next() else {
        let error = anyhow!("no run has ended yet in {}", state.root().display());
        return Err(Failure::new(Exit::NothingSelected, error).hint("pikaci run"));
    };
    let failed = record.jobs.iter().filter(|job| !job.status.outcome().is_some_and(Outcome::is_success));
    let (jobs, removed): (Vec<_>, Vec<_>) =
        failed.map(|job| job.id.clone()).partition(|job| config.jobs.contains_key(job));
    for job in removed {
        eprint_line(&format_args!("note: {job} of run {} is no longer in pikaci.nix", record.run_id));
    }
    Ok(FailedJobs { run: record.run_id, jobs: jobs.into_iter().collect() })
}
