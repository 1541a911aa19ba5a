//! The reason for a run without jobs.

use super::left_out;
use crate::plan::select::Selection;
use crate::text::count;

/// Returns the lines about a selection without jobs. The last one says that nothing ran.
#[must_use]
pub fn empty_selection(selection: &Selection) -> Vec<String> {
    let left_out = &selection.left_out;
    if left_out.is_empty() {
        return vec![match &selection.failed_in {
            Some(run) => format!("nothing to do: no selected job failed in run {run}"),
            None => "nothing to do: pikaci.nix has no jobs".to_owned(),
        }];
    }
    let mut lines = left_out::lines(left_out, |job, reason| format!("{job}: left out: {reason}"));
    if left_out.iter().any(|job| !job.skipped) {
        lines.push("hint: pikaci run --all".to_owned());
    }
    lines.push(format!("nothing ran: {} left out", count(left_out.len(), "job")));
    lines
}
