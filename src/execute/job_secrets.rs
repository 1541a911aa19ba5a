//! The secrets of a job with their values.

use anyhow::{Context as _, Result};

use crate::plan::record::{PlannedJob, PlannedSecret};
use crate::secret::{SecretValue, Secrets};

/// Returns the secrets of a job, each with its value.
///
/// # Errors
/// When a value wasn't read before the run.
pub(super) fn job_secrets<'a>(
    job: &'a PlannedJob,
    secrets: &'a Secrets,
) -> Result<Vec<(&'a PlannedSecret, &'a SecretValue)>> {
    let with_value = |secret: &'a PlannedSecret| {
        let value = secrets.value(&secret.name);
        Ok((secret, value.with_context(|| format!("the value of the secret {} wasn't read", secret.name))?))
    };
    job.secrets.iter().map(with_value).collect()
}
