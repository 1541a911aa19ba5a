//! Results that later runs take: for each result key the run in which the job passed.

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use super::read_json::read_json;
use super::read_records::read_job_record;
use super::state_layout::StateLayout;
use super::write::write_json;
use crate::failpoint::Point;
use crate::id::{Digest, JobId, RunId};

#[derive(Serialize, Deserialize)]
struct KeptResult {
    run_id: RunId,
}

/// Keeps the result of a job that passed in a run, in place of an earlier result.
///
/// # Errors
/// When the state folder can't be written.
pub fn keep_result(state: &StateLayout, key: &Digest, run: &RunId) -> Result<()> {
    let folder = state.results();
    folder.make_folders().with_context(|| format!("making {}", folder.display()))?;
    write_json(Point::KeptResult, &state.result(key), &KeptResult { run_id: run.clone() })
}

/// Returns the run whose result a job with this result key can take. The record of that run decides: a kept result alone
/// is no proof.
#[must_use]
pub fn kept_result(state: &StateLayout, key: &Digest, job: &JobId) -> Option<RunId> {
    let run = read_json::<KeptResult>(&state.result(key)).ok()?.run_id;
    let record = read_job_record(&state.run(&run).job(job).status()).ok()?;
    let files = record.logs.guest_log_path.iter().chain(&record.artifacts.artifacts_dir);
    let is_there = files.into_iter().all(|file| state.recorded(file).is_there());
    (record.has_whole_pass() && is_there).then_some(run)
}
