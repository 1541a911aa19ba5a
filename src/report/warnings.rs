//! Warnings of a job.

use crate::record::JobRecord;
use crate::text::{MESSAGE, cut, first_lines};

/// Returns a line for each of a job's first warnings.
pub(super) fn warnings(job: &JobRecord) -> Vec<String> {
    let lines = job.warnings.iter().map(|warning| format!("warning: {}", cut(warning, MESSAGE)));
    first_lines(lines.collect(), "warning")
}
