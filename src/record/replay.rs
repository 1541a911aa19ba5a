//! The log of a run's events to its records.
//!
//! A line is whole once the last byte of its event is there; its line break may be missing. What isn't whole, the half
//! line that a crash left, is passed over, and so is a whole line of a kind that this pikaci doesn't know: a later one
//! may add kinds and fields without another version. All other events count, in their order, so that the records of a
//! log that ends too early are those that held when its last whole line was written.

use serde::Deserialize;

use super::History;
use crate::event::{Event, EventKind, SCHEMA_VERSION};
use crate::id::{JobId, RecordedPath};

/// Why a log has no records.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoRecords {
    /// Its first event isn't the start of a run.
    #[error("it doesn't begin with the start of a run")]
    NotBegun,
    /// A later pikaci wrote it, and means something else by it.
    #[error("it has version {0}, and this pikaci knows version {SCHEMA_VERSION}")]
    Later(u32),
}

/// What every version of a first line holds.
#[derive(Deserialize)]
struct Head {
    event: String,
    #[serde(default)]
    schema_version: u32,
}

/// Folds a log of events; `status_path` tells where a job's record lies.
///
/// # Errors
/// When it doesn't begin with the start of a run, or has a later version.
pub fn replay(log: &[u8], status_path: impl Fn(&JobId) -> RecordedPath) -> Result<History, NoRecords> {
    let lines = log.split(|byte| *byte == b'\n');
    let heads = lines.clone().filter_map(|line| serde_json::from_slice::<Head>(line).ok());
    if let Some(head) = heads.take(1).find(|head| head.event == "run_started" && head.schema_version > SCHEMA_VERSION) {
        return Err(NoRecords::Later(head.schema_version));
    }
    let mut events = lines.filter_map(|line| serde_json::from_slice::<Event>(line).ok());
    let Some(Event { at, kind: EventKind::RunStarted(start) }) = events.next() else { return Err(NoRecords::NotBegun) };
    let mut history = History::begin(at, &start, status_path);
    for event in events {
        history.apply(&event);
    }
    Ok(history)
}

#[cfg(test)]
mod tests;
