//! The reason for a run without jobs.

use crate::plan::select::Selection;

/// Returns the reason why a selection has no job.
#[must_use]
pub fn empty_selection(selection: &Selection) -> String {
    let left_out: Vec<String> = selection.left_out.iter().map(|job| format!("{} ({})", job.id, job.reason)).collect();
    if left_out.is_empty() { "pikaci.nix has no jobs".to_owned() } else { format!("left out {}", left_out.join(", ")) }
}
