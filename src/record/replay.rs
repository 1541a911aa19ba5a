//! Replay of a log of events.
//!
//! A line is complete when it contains the last byte of its event; its line break may be missing. An incomplete line,
//! which a crash left, is skipped, and so is an event of an unknown kind: a later pikaci may add kinds and fields
//! without a new version. All other events are applied in their order, so a truncated log gives the records that were
//! valid after its last complete line.

use serde::Deserialize;

use super::history::History;
use crate::event::{Event, EventKind, SCHEMA_VERSION};
use crate::id::{JobId, RecordedPath};

/// Reason for which a log has no records.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoRecords {
    /// The first event isn't the start of a run.
    #[error("it doesn't begin with the start of a run")]
    NotBegun,
    /// A later pikaci wrote the log, in another version of the format.
    #[error("it has version {0}, and this pikaci supports version {SCHEMA_VERSION}")]
    Later(u32),
}

/// Fields of the first line in every version.
#[derive(Deserialize)]
struct Head {
    event: String,
    #[serde(default)]
    schema_version: u32,
}

/// Folds a log of events into records. `status_path` returns the path of a job's record.
///
/// # Errors
/// When the log doesn't begin with the start of a run, or has a later version.
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
