//! Ids of new runs.

#![expect(clippy::disallowed_methods, reason = "needs randomness for ids that no other process generates")]

use anyhow::{Context as _, Result};
use jiff::Timestamp;

use crate::id::RunId;
use crate::state::StateLayout;

/// Returns an id that sorts after the ids of all runs in the state folder, and that no other process generates.
pub fn new_run_id(now: Timestamp, state: &StateLayout) -> Result<RunId> {
    let mut bytes = [0; 2];
    getrandom::fill(&mut bytes).context("making a run's id")?;
    // Before the first run there is no folder of runs.
    let existing = state.runs().entries().unwrap_or_default();
    let existing = existing.into_iter().map(|entry| RunId::new(entry.name.to_string_lossy()));
    Ok(RunId::generate(now, u16::from_be_bytes(bytes), existing))
}
