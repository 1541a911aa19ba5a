//! The end of a job that takes the result of an earlier run.

use anyhow::{Context as _, Result};

use crate::event::{JobEnd, LogExtent, LogPaths, Outcome, Reason, TakenResult};
use crate::id::{JobId, RunId};
use crate::state::{StateLayout, read_job_record};

/// Returns the end of a job that takes its result from an earlier run.
pub fn taken_result(state: &StateLayout, job: &JobId, from: &RunId) -> JobEnd {
    read_result(state, job, from).unwrap_or_else(|error| {
        let reason = Reason::new(format!("taking the result of run {from}: {error:#}"), "pikaci run");
        JobEnd::without_output(Outcome::Errored, reason)
    })
}

fn read_result(state: &StateLayout, job: &JobId, from: &RunId) -> Result<JobEnd> {
    let record = read_job_record(&state.run(from).job(job).status())?;
    let (host, guest) = record.logs.host_log_path.zip(record.logs.guest_log_path).context("its logs are gone")?;
    let guest_log_bytes =
        state.recorded(&guest).open().and_then(|log| log.metadata()).context("its log is gone")?.len();
    let logs = LogPaths { host, guest, console: record.logs.console_log_path };
    Ok(JobEnd {
        log: LogExtent { guest_log_bytes, log_cut: record.log_cut },
        artifacts: record.artifacts,
        warnings: record.warnings,
        taken: Some(TakenResult { from: from.clone(), logs }),
        ..JobEnd::without_output(Outcome::Cached, record.exit)
    })
}
