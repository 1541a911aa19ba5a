//! The reasons for which jobs run or are left out.

use std::collections::BTreeMap;

use super::Page;
use crate::id::{JobId, RunId};
use crate::plan::select::Selection;

/// Renders a line for each job that runs, takes the result of an earlier run or is left out, with the reason. `taken` has
/// the runs of earlier results.
#[must_use]
pub fn explain(selection: &Selection, taken: &BTreeMap<JobId, RunId>) -> Page {
    let mut page = Page::from(format!("{} ({})", selection.target_id, selection.scope));
    for (job, reason) in &selection.reasons {
        page.line(match taken.get(job) {
            Some(run) => format!("  cached    {job}: it passed in run {run} with the same input"),
            None => format!("  runs      {job}: {reason}"),
        });
    }
    for job in &selection.left_out {
        page.line(format!("  left out  {}: {}", job.id, job.reason));
    }
    page
}
