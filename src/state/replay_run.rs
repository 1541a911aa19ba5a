//! The history of a run from its events.

use anyhow::{Context as _, Result};

use super::read_json::read_bounded;
use super::state_layout::{StateLayout, recorded_path};
use crate::id::RunId;
use crate::record::{History, replay};

/// Replays the events of a run.
///
/// # Errors
/// When the events can't be read, don't begin with the start of a run, or were written by a later pikaci.
pub fn replay_run(state: &StateLayout, id: &RunId) -> Result<History> {
    let run = state.run(id);
    let events = run.events();
    let history = replay(&read_bounded(&events)?, |job| recorded_path(&run.job(job).status()));
    history.with_context(|| format!("replaying {}", events.display()))
}
