//! The hints for the failures of a run.

use std::collections::BTreeMap;

use crate::id::JobId;
use crate::record::{JobRecord, PrepareRecord};

/// Largest number of hints.
const MAX_HINTS: usize = 3;

/// The output of jobs that didn't pass, and the remedies that follow from it.
#[derive(Clone, Debug, Default)]
pub struct FailureOutput {
    /// The last lines of each job.
    pub tails: BTreeMap<JobId, Vec<String>>,
    /// The hints of jobs whose records have none.
    pub hints: BTreeMap<JobId, String>,
}

/// Returns the first hints for failures, each one once; `other` is the hint of a job without a remedy.
pub fn remedies<'a>(
    prepares: impl IntoIterator<Item = &'a PrepareRecord>,
    jobs: impl IntoIterator<Item = &'a JobRecord>,
    output: &FailureOutput,
    other: impl Fn(&JobRecord) -> Option<String>,
) -> Vec<String> {
    let of_prepares = prepares.into_iter().filter_map(|prepare| prepare.reason.hint.clone());
    let of_jobs = jobs.into_iter().filter_map(|job| {
        let hint = job.exit.reason.hint.as_ref().or_else(|| output.hints.get(&job.id)).cloned();
        hint.or_else(|| other(job))
    });
    let mut hints = Vec::new();
    for hint in of_prepares.chain(of_jobs) {
        if !hints.contains(&hint) {
            hints.push(hint);
        }
    }
    hints.truncate(MAX_HINTS);
    hints
}
