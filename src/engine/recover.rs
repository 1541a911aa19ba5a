//! Runs whose process is gone: their end is recorded by the next pikaci that looks.

use std::fs;

use anyhow::{Context as _, Result};

use super::recorder::{Recorder, relative};
use crate::event::{Event, What};
use crate::id::RunId;
use crate::record::{History, RunRecord, Status};
use crate::state::{FileLock, StateLayout, read_json};

/// What is said of a run that nobody ended.
const INTERRUPTED: &str = "interrupted: pikaci was killed or the machine went down";

/// Records `errored: interrupted` for every run that says it is running while nobody holds its lock.
///
/// # Errors
/// When the folder of runs can't be read; a single broken run is left as it is.
pub fn recover_interrupted(state: &StateLayout) -> Result<Vec<RunId>> {
    let entries = match fs::read_dir(state.runs()) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("reading {}", state.runs().display())),
    };
    let mut recovered = Vec::new();
    for entry in entries {
        let name = entry.with_context(|| format!("reading {}", state.runs().display()))?.file_name();
        let id = RunId::new(name.to_string_lossy());
        if recover(state, &id).unwrap_or(false) {
            recovered.push(id);
        }
    }
    Ok(recovered)
}

fn recover(state: &StateLayout, id: &RunId) -> Result<bool> {
    let run = state.run(id);
    // A run that ended in order took its lock away: the many that did needn't be read.
    if !run.lock().exists() {
        return Ok(false);
    }
    let is_open = || -> Result<bool> {
        let record: RunRecord = read_json(&run.record())?;
        Ok(matches!(record.status, Status::Open(_)))
    };
    if !is_open()? {
        return Ok(false);
    }
    let Some(lock) = FileLock::try_exclusive(&run.lock())? else { return Ok(false) };
    // It may have ended between the first look and the lock.
    if !is_open()? {
        return Ok(false);
    }
    let history = replay(state, id)?;
    let ended = history.run.status.outcome().is_some();
    let ignore: &mut dyn FnMut(&Event, &History) = &mut |_, _| {};
    let mut recorder = Recorder::resume(state, run, lock, history, ignore);
    if ended {
        recorder.rewrite()?;
    } else {
        recorder.abandon(INTERRUPTED);
        recorder.finish().1?;
    }
    Ok(true)
}

/// Folds the events of a run; lines that a crash cut off are passed over.
///
/// # Errors
/// When they can't be read, or don't begin with the start of a run.
pub fn replay(state: &StateLayout, id: &RunId) -> Result<History> {
    let run = state.run(id);
    let events = run.events();
    let text = fs::read(&events).with_context(|| format!("reading {}", events.display()))?;
    let mut lines = text.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Event>(line).ok());
    let first = lines.next();
    let Some(Event { at, what: What::RunStarted(start) }) = first else {
        anyhow::bail!("{} doesn't begin with the start of a run", events.display());
    };
    let mut history = History::begin(at, &start, |job| relative(state, &run.job(job).status()));
    for event in lines {
        history.apply(&event);
    }
    Ok(history)
}
