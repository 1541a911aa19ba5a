//! The reasons for which jobs run or are left out.

use super::Page;
use crate::plan::select::Selection;

/// Renders a line for each job that runs or is left out, with the reason.
#[must_use]
pub fn explain(selection: &Selection) -> Page {
    let mut page = Page::from(format!("{} ({})", selection.target_id, selection.scope));
    for (job, reason) in &selection.reasons {
        page.line(format!("  runs      {job}: {reason}"));
    }
    for job in &selection.left_out {
        page.line(format!("  left out  {}: {}", job.id, job.reason));
    }
    page
}
