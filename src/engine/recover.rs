//! Recovery of interrupted runs: the next pikaci records their end.

#![expect(clippy::disallowed_methods, reason = "removes files of killed processes")]

use std::fs;

use anyhow::{Context as _, Result};

use super::recorder::{Recorder, remove_run_files};
use crate::event::{Event, Status};
use crate::failpoint::Point;
use crate::foreign::Beneath;
use crate::id::RunId;
use crate::record::History;
use crate::state::{
    FileLock, INTERRUPTED, InterruptedRun, RunStore, TemporaryFolder, is_torn, read_run_record, remove_tree,
};

/// Records the end of every run whose process died, and removes the temporary files of these runs. Returns the ids of
/// the runs.
///
/// # Errors
/// When the folder of runs can't be read. A single broken run is left as it is.
pub fn recover_interrupted(store: &RunStore) -> Result<Vec<RunId>> {
    let mut recovered = store.locked_ids()?;
    recovered.retain(|id| recover(store, id).unwrap_or(false));
    if !recovered.is_empty() {
        TemporaryFolder::sweep_cache();
    }
    Ok(recovered)
}

fn recover(store: &RunStore, id: &RunId) -> Result<bool> {
    let run = store.state().run(id);
    let Some(lock) = FileLock::try_existing(Point::RecoverLock, &run.lock())? else { return Ok(false) };
    let is_open = match read_run_record(&run) {
        Ok(record) => matches!(record.status, Status::Open(_)),
        Err(_) if is_torn(&run) => true,
        Err(error) => return Err(error),
    };
    if !is_open {
        // The process died between the run's last record and the removal of its lock.
        remove_run_files(&run);
        return Ok(false);
    }
    let InterruptedRun { history, lost_events } = InterruptedRun::read(store.state(), id)?;
    for leftover in store.leftovers(id) {
        // A leftover that can't be removed is no reason to leave the record open.
        remove_leftover(&leftover).ok();
    }
    let has_ended = history.run.status.outcome().is_some();
    let ignore: &mut dyn FnMut(&Event, &History) = &mut |_, _| {};
    let mut recorder = Recorder::resume(run, lock, history, ignore);
    if has_ended {
        recorder.rewrite()?;
    } else {
        for Event { at, kind } in lost_events {
            recorder.record_at(at, kind);
        }
        recorder.abandon(INTERRUPTED);
        // After the end of the run no reader replays its events.
        recorder.write_jobs()?;
        recorder.finish().1?;
    }
    Ok(true)
}

fn remove_leftover(path: &Beneath) -> Result<()> {
    if path.is_folder() {
        remove_tree(path)
    } else {
        fs::remove_file(path).with_context(|| format!("removing {}", path.display()))
    }
}
