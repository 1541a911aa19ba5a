//! The folders of the artifacts that are inputs of a job.

use anyhow::{Context as _, Result};

use crate::execute::job_inputs::JobInput;
use crate::plan::record::{PlannedInput, PlannedJob};
use crate::record::History;
use crate::state::{StateLayout, read_job_record};

/// Returns the inputs of a job with the folders of their artifacts, from the jobs that have ended in this run and from
/// earlier runs.
///
/// # Errors
/// When a job left no artifacts.
pub fn input_folders(state: &StateLayout, history: &History, job: &PlannedJob) -> Result<Vec<JobInput>> {
    let folder = |input: &PlannedInput| {
        let artifacts = match &input.run {
            None => history.job(&input.job).map(|job| job.artifacts.clone()),
            Some(run) => Some(read_job_record(&state.run(run).job(&input.job).status())?.artifacts),
        };
        let folder = artifacts.and_then(|artifacts| artifacts.artifacts_dir);
        let folder = folder.with_context(|| {
            format!("the input {} needs the artifacts of the job {}, which left none", input.name, input.job)
        })?;
        Ok(JobInput { job: input.job.clone(), to: input.to.clone(), folder: state.recorded(&folder) })
    };
    job.inputs.iter().map(folder).collect()
}
