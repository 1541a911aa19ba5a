//! The one reader of runs.

use std::ffi::OsString;
use std::io::ErrorKind;

use anyhow::{Context as _, Error, Result};

use super::file_lock::is_locked;
use super::interrupted_run::InterruptedRun;
use super::read_records::{is_torn, read_job_record, read_run_record};
use super::replay_run::replay_run;
use super::run_layout::LOCK;
use super::state_layout::StateLayout;
use super::temporary_name::is_temporary;
use crate::event::{DeclaredJob, Reason};
use crate::foreign::Beneath;
use crate::id::RunId;
use crate::record::{History, JobRecord, JobSummary, RunRecord};

/// Depth of an attempt below its run: `jobs/<job>/attempts/<n>`. Artifacts lie deeper, and may have any name.
const ATTEMPT_DEPTH: u32 = 4;

/// The runs of a state folder.
#[derive(Clone, Debug)]
pub struct RunStore {
    state: StateLayout,
}

/// A run as its records and events show it.
#[derive(Debug)]
pub enum RunView {
    /// The run has not ended, and its process is alive.
    Live(Box<History>),
    /// The run has ended.
    Ended(Box<RunRecord>),
    /// The process of the run is dead: the history with the end that the next recovery records.
    Interrupted(Box<History>),
    /// The run can't be read.
    Broken(Error),
}

impl RunView {
    /// Returns the record of the run.
    ///
    /// # Errors
    /// When the run is broken.
    pub fn into_record(self) -> Result<RunRecord> {
        match self {
            Self::Ended(record) => Ok(*record),
            Self::Live(history) | Self::Interrupted(history) => Ok(history.run),
            Self::Broken(error) => Err(error),
        }
    }
}

/// The reason for which a word names no run.
#[derive(Debug, PartialEq, Eq)]
pub enum FindRunError {
    /// No run begins with the word.
    NoMatch,
    /// Several runs begin with the word, newest first.
    Ambiguous(Vec<RunId>),
}

impl RunStore {
    /// Returns the store of a state folder, which need not exist.
    #[must_use]
    pub fn new(state: StateLayout) -> Self {
        Self { state }
    }

    /// Returns the state folder.
    #[must_use]
    pub fn state(&self) -> &StateLayout {
        &self.state
    }

    /// Returns the ids of all runs, oldest first. A folder whose name pikaci would not give is no run.
    ///
    /// # Errors
    /// When the folder of runs can't be read.
    pub fn ids(&self) -> Result<Vec<RunId>> {
        let folder = self.state.runs();
        let entries = match folder.entries() {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(Vec::new());
            }
            entries => entries.with_context(|| format!("reading {}", folder.display()))?,
        };
        let id = |name: &OsString| {
            let id = RunId::new(name.to_string_lossy());
            (*self.state.run(&id).root() == folder.join(name)).then_some(id)
        };
        let mut ids: Vec<RunId> =
            entries.iter().filter(|entry| entry.is_folder).filter_map(|entry| id(&entry.name)).collect();
        ids.sort_unstable();
        Ok(ids)
    }

    /// Returns the ids of the runs that have a lock: a run that ends in order removes its lock.
    ///
    /// # Errors
    /// When the folder of runs can't be read.
    pub fn locked_ids(&self) -> Result<Vec<RunId>> {
        let folder = self.state.runs();
        match folder.folders_with(LOCK) {
            Ok(names) => Ok(names.iter().map(|name| RunId::new(name.to_string_lossy())).collect()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error).with_context(|| format!("reading {}", folder.display())),
        }
    }

    /// Returns the run whose id is a word, or the only run whose id begins with it; `ids` are all ids, newest first.
    ///
    /// # Errors
    /// When the word names no run, or several.
    pub fn find(ids: &[RunId], word: &str) -> Result<RunId, FindRunError> {
        let matches: Vec<&RunId> = ids.iter().filter(|id| id.as_str().starts_with(word)).collect();
        match matches.as_slice() {
            [] => Err(FindRunError::NoMatch),
            [only] => Ok((*only).clone()),
            several if several.iter().any(|id| id.as_str() == word) => Ok(RunId::new(word)),
            several => Err(FindRunError::Ambiguous(several.iter().map(|id| (*id).clone()).collect())),
        }
    }

    /// Returns true if a run has a record or events; a crash may leave a folder without them.
    #[must_use]
    pub fn has_started(&self, id: &RunId) -> bool {
        let run = self.state.run(id);
        run.record().is_there() || run.events().is_there()
    }

    /// Returns true if nothing of a run exists.
    #[must_use]
    pub fn is_removed(&self, id: &RunId) -> bool {
        !self.state.run(id).root().is_there()
    }

    /// Returns true if the process of a run is alive, or if the state of its lock is unreadable.
    #[must_use]
    pub fn is_alive(&self, id: &RunId) -> bool {
        is_locked(&self.state.run(id).lock()).unwrap_or(true)
    }

    /// Reads a run.
    #[must_use]
    pub fn load(&self, id: &RunId) -> RunView {
        let run = self.state.run(id);
        let record = match read_run_record(&run) {
            // A power loss may tear the record of a run whose end isn't recorded yet.
            Err(error) if is_torn(&run) && run.lock().is_there() && !self.is_alive(id) => {
                return self.interrupted(id).map_or(RunView::Broken(error), RunView::Interrupted);
            }
            Err(error) => return RunView::Broken(error),
            Ok(record) => record,
        };
        if record.status.outcome().is_some() {
            return RunView::Ended(Box::new(record));
        }
        if self.is_alive(id) {
            // The events of a live run are ahead of its records.
            let history = replay_run(&self.state, id).unwrap_or_else(|_| self.with_jobs(record));
            return RunView::Live(Box::new(history));
        }
        // The run may have ended after the first read.
        match read_run_record(&run) {
            Ok(record) if record.status.outcome().is_some() => RunView::Ended(Box::new(record)),
            Ok(_) => self.interrupted(id).map_or_else(RunView::Broken, RunView::Interrupted),
            Err(error) => RunView::Broken(error),
        }
    }

    fn interrupted(&self, id: &RunId) -> Result<Box<History>> {
        Ok(Box::new(InterruptedRun::read(&self.state, id)?.into_history()))
    }

    /// Reads a run with the records of its jobs.
    ///
    /// # Errors
    /// When the run can't be read.
    pub fn history(&self, id: &RunId) -> Result<History> {
        match self.load(id) {
            RunView::Ended(record) => Ok(self.with_jobs(*record)),
            RunView::Live(history) | RunView::Interrupted(history) => Ok(*history),
            RunView::Broken(error) => Err(error),
        }
    }

    fn with_jobs(&self, run: RunRecord) -> History {
        let jobs = run.jobs.iter().map(|job| self.job(job)).collect();
        History { run, jobs }
    }

    /// Reads the record of a job; an unreadable one is replaced by its summary in the run's record.
    #[must_use]
    pub fn job(&self, summary: &JobSummary) -> JobRecord {
        let path = self.state.recorded(&summary.status_path);
        let message = match path.is_there().then(|| read_job_record(&path)) {
            Some(Ok(job)) => return JobRecord { status: summary.status, ..job },
            Some(Err(error)) => Some(format!("{error:#}")),
            None => None,
        };
        let reason = Reason { message, ..Reason::default() };
        JobRecord {
            status: summary.status,
            exit: reason.into(),
            ..JobRecord::queued(&DeclaredJob::with_id(&summary.id))
        }
    }

    /// Returns the temporary files and folders of a run, which a killed process leaves behind. Unreadable folders count
    /// as empty.
    #[must_use]
    pub fn leftovers(&self, id: &RunId) -> Vec<Beneath> {
        let mut leftovers = Vec::new();
        collect_temporary(self.state.run(id).root(), 0, &mut leftovers);
        leftovers
    }
}

fn collect_temporary(folder: &Beneath, depth: u32, leftovers: &mut Vec<Beneath>) {
    for entry in folder.entries().unwrap_or_default() {
        let path = folder.join(&entry.name);
        if is_temporary(&entry.name) {
            leftovers.push(path);
        } else if depth < ATTEMPT_DEPTH && entry.is_folder {
            collect_temporary(&path, depth + 1, leftovers);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{FindRunError, RunStore};
    use crate::id::RunId;

    #[test]
    fn a_word_names_the_only_run_that_begins_with_it() {
        let ids = ["20261129-2b", "20261129-2", "20261128-1"].map(RunId::new);
        let find = |word| RunStore::find(&ids, word);
        assert_eq!(find("20261128"), Ok(ids[2].clone()));
        assert_eq!(find("20261129-2"), Ok(ids[1].clone()));
        assert_eq!(find("20261129"), Err(FindRunError::Ambiguous(ids[..2].to_vec())));
        assert_eq!(find("x"), Err(FindRunError::NoMatch));
    }
}
