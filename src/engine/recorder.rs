//! Events into the state folder: appended, folded, and the folds written.
//!
//! A record of what has ended survives a power loss, and the events that it follows from do before it. Every other record
//! is a view: whole for whoever looks, and told again from the events where a power loss takes it. Where a run has many
//! jobs the records of all of them are views, and synced at once before its own record says that it has ended: that waits
//! for all else that is to be written on the file system, and so isn't worth it for a few.

use std::collections::VecDeque;
use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use jiff::Timestamp;

use super::ends::ends_of_open;
use crate::event::{Event, RunStarted, What};
use crate::failpoint::{Moment, Point, around, reach, turn};
use crate::foreign::Beneath;
use crate::id::JobId;
use crate::plan::RunPlanRecord;
use crate::record::{History, Outcome, Status};
use crate::state::{
    FileLock, RunLayout, StateLayout, TEMPORARY_PREFIX, append_line, recorded_path, sync_file, sync_folder, sync_tree,
    write_json, write_view,
};

/// Of how many jobs at most each one's change is recorded for good at once, and in the run's record.
const FEW: usize = 64;
/// How long an event may wait for its sync, which it then shares with those that came since.
const UNSYNCED: Duration = Duration::from_millis(250);
/// What failed when a record can't be written.
const NOT_RECORDED: &str = "recording the run failed";

/// What a run's observers are called with: each event after it is folded in.
pub type Observer<'a> = &'a mut dyn FnMut(&Event, &History);

/// The recording of one run; while it lives, the run's lock is held.
pub struct Recorder<'a> {
    run: RunLayout,
    history: History,
    observer: Observer<'a>,
    failure: Option<anyhow::Error>,
    /// Whether the run's record isn't what the events say.
    is_stale: bool,
    /// The lines of events that couldn't be written, in their order: records wait for them.
    unwritten: VecDeque<String>,
    /// Since when an event waits to be synced.
    unsynced: Option<Instant>,
    _lock: FileLock,
}

impl<'a> Recorder<'a> {
    /// Makes the run's folder with its lock, its plan, its first event and its record.
    ///
    /// # Errors
    /// When one of them can't be written.
    pub fn begin(
        state: &'a StateLayout,
        plan: &RunPlanRecord,
        start: RunStarted,
        observer: Observer<'a>,
    ) -> Result<Self> {
        let (runs, run) = (state.runs(), state.run(&start.run_id));
        runs.make_folders().with_context(|| format!("making {}", runs.display()))?;
        reach(Point::Run, Moment::Before)?;
        let mut draft = tempfile::Builder::new()
            .prefix(TEMPORARY_PREFIX)
            .tempdir_in(&runs)
            .with_context(|| format!("making a folder in {}", runs.display()))?;
        let drafted = RunLayout::new(Beneath::new(draft.path()));
        let lock = FileLock::exclusive(Point::RunLock, &drafted.lock())?;
        fs::create_dir(drafted.jobs()).with_context(|| format!("making {}", drafted.jobs().display()))?;
        write_json(Point::Plan, &drafted.plan(), plan)?;
        let at = Timestamp::now();
        let history = History::begin(at, &start, |job| recorded_path(&run.job(job).status()));
        let mut recorder = Self::resume(drafted, lock, history, observer);
        let event = Event { at, what: What::RunStarted(Box::new(start)) };
        recorder.append(&event)?;
        recorder.sync_events()?;
        write_json(Point::RunRecord, &recorder.run.record(), &recorder.history.run)?;
        reach(Point::Run, Moment::Synced)?;
        // A run is there whole and locked or not at all.
        fs::rename(draft.path(), run.root()).with_context(|| format!("making {}", run.root().display()))?;
        draft.disable_cleanup(true);
        recorder.run = run;
        reach(Point::Run, Moment::Renamed)?;
        sync_folder(&runs)?;
        reach(Point::Run, Moment::After)?;
        (recorder.observer)(&event, &recorder.history);
        Ok(recorder)
    }

    /// Goes on with the recording of a run whose process is gone.
    #[must_use]
    pub fn resume(run: RunLayout, lock: FileLock, history: History, observer: Observer<'a>) -> Self {
        Self {
            run,
            history,
            observer,
            failure: None,
            is_stale: false,
            unwritten: VecDeque::new(),
            unsynced: Some(Instant::now()),
            _lock: lock,
        }
    }

    /// Records what happened now. What can't be written is kept as the recording's failure: the run is to end then.
    pub fn record(&mut self, what: What) {
        self.record_at(Timestamp::now(), what);
    }

    /// Records what happened at that time.
    pub fn record_at(&mut self, at: Timestamp, what: What) {
        let event = Event { at, what };
        let appended = self.append(&event);
        self.note(appended);
        let changed = self.history.apply(&event).map(|job| job.id.clone());
        let recorded = match (&event.what, changed) {
            (What::JobFinished(_), Some(job)) => self.write_job(&job),
            (What::JobStarted { .. }, Some(job)) => self.show_job(&job),
            _ => Ok(()),
        };
        self.is_stale |=
            matches!(event.what, What::PrepareFinished { .. } | What::JobStarted { .. } | What::JobFinished(_));
        let shown = if self.has_few_jobs() { self.show_run() } else { Ok(()) };
        self.note(recorded.and(shown));
        (self.observer)(&event, &self.history);
    }

    fn has_few_jobs(&self) -> bool {
        self.history.jobs.len() <= FEW
    }

    /// Keeps the first failure.
    fn note(&mut self, result: Result<()>) {
        if let Err(error) = result {
            self.failure.get_or_insert(error.context(NOT_RECORDED));
        }
    }

    /// Has events survive a power loss, once the oldest that doesn't yet is old enough.
    pub fn settle(&mut self) {
        if self.unsynced.is_some_and(|since| since.elapsed() >= UNSYNCED) {
            let settled = self.sync_events().and_then(|()| self.show_run());
            self.note(settled);
        }
    }

    fn sync_events(&mut self) -> Result<()> {
        if self.unsynced.take().is_some() {
            around(Point::EventSync, || sync_file(&self.run.events()))?;
        }
        Ok(())
    }

    /// Ends what is open, and lets the run end as errored, because of what happened to the process that saw to it.
    pub fn abandon(&mut self, message: &str) {
        for what in ends_of_open(&self.history, message) {
            self.record(what);
        }
        self.failure.get_or_insert_with(|| anyhow::anyhow!("{message}"));
    }

    /// Returns whether something couldn't be written.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.failure.is_some()
    }

    /// Records the end of the run, and every record once more where one couldn't be written. Returns how it went, and
    /// the error where the end couldn't be written.
    pub fn finish(mut self) -> (History, Result<()>) {
        let message = self.history.cancelled_by().map(|by| format!("cancelled by {by}"));
        let failure = self.failure.take().map(|error| format!("{error:#}"));
        let outcome = if failure.is_some() { Outcome::Errored } else { self.outcome() };
        let message = failure.clone().or(message);
        if failure.is_some() {
            // What still can't be written stands in the run's record.
            self.write_jobs().ok();
        }
        self.record(What::RunFinished { outcome, message });
        let closed = self.close();
        (self.history, self.failure.take().map_or(closed, Err))
    }

    /// Has what was recorded survive a power loss, then says that the run has ended.
    fn close(&mut self) -> Result<()> {
        self.write_late_events()?;
        self.sync_events()?;
        let (root, jobs) = (self.run.root(), self.run.jobs());
        around(Point::RunSync, || if self.has_few_jobs() { sync_folder(&jobs) } else { sync_tree(root) })?;
        write_json(Point::RunRecord, &self.run.record(), &self.history.run)?;
        remove_traces(&self.run);
        Ok(())
    }

    /// Writes the records as they are: where a process ended between its last event and its last record.
    ///
    /// # Errors
    /// When one can't be written.
    pub fn rewrite(&mut self) -> Result<()> {
        self.write_jobs()?;
        self.close()
    }

    /// Writes the record of each job that can be written.
    ///
    /// # Errors
    /// When one can't be.
    pub fn write_jobs(&mut self) -> Result<()> {
        let jobs: Vec<JobId> = self.history.jobs.iter().map(|job| job.id.clone()).collect();
        let written = jobs.iter().map(|job| self.write_job(job)).collect::<Vec<_>>();
        written.into_iter().collect()
    }

    fn outcome(&self) -> Outcome {
        let run = &self.history.run;
        let prepares = run.prepares.iter().map(|prepare| prepare.status);
        let outcome = |status: Status| match status.outcome() {
            Some(outcome) if !matches!(outcome, Outcome::Failed | Outcome::TimedOut) => outcome,
            // A runner that can't be built is no job that failed.
            _ => Outcome::Errored,
        };
        let jobs = run.jobs.iter().map(|job| job.status.outcome().unwrap_or(Outcome::Errored));
        Outcome::of_run(&jobs.chain(prepares.map(outcome)).collect::<Vec<_>>())
    }

    fn append(&mut self, event: &Event) -> Result<()> {
        self.unwritten.push_back(event.to_line().context("encoding an event")?);
        self.write_events()?;
        Ok(reach(Point::Event, Moment::After)?)
    }

    /// Writes the events that are to be written: a record speaks of no event that isn't there.
    fn write_events(&mut self) -> Result<()> {
        reach(Point::Event, Moment::Before).with_context(|| format!("appending to {}", self.run.events().display()))?;
        while let Some(line) = self.unwritten.front() {
            append_line(&self.run.events(), line)?;
            self.unwritten.pop_front();
            self.unsynced.get_or_insert_with(Instant::now);
        }
        Ok(())
    }

    fn write_late_events(&mut self) -> Result<()> {
        if self.unwritten.is_empty() { Ok(()) } else { self.write_events() }
    }

    fn write_job(&mut self, job: &JobId) -> Result<()> {
        if !self.has_few_jobs() {
            return self.show_job(job);
        }
        let path = self.job_record(job)?;
        self.sync_events()?;
        self.history.job(job).map_or(Ok(()), |record| write_json(Point::JobRecord, &path, record))
    }

    fn show_job(&mut self, job: &JobId) -> Result<()> {
        let path = self.job_record(job)?;
        self.history.job(job).map_or(Ok(()), |record| write_view(Point::JobView, &path, record))
    }

    fn show_run(&mut self) -> Result<()> {
        if !std::mem::take(&mut self.is_stale) {
            return Ok(());
        }
        self.write_late_events()?;
        write_view(Point::RunView, &self.run.record(), &self.history.run)
    }

    /// Returns where a job's record goes, after making its folder.
    fn job_record(&mut self, job: &JobId) -> Result<Beneath> {
        self.write_late_events()?;
        let layout = self.run.job(job);
        let made = turn(Point::JobFolder).and_then(|()| layout.root().make_folders());
        made.with_context(|| format!("making {}", layout.root().display()))?;
        Ok(layout.status())
    }
}

/// Removes what only a run that goes on has; where that fails, the next pikaci does it.
pub fn remove_traces(run: &RunLayout) {
    around(Point::Unlock, || fs::remove_file(run.lock())).ok();
    fs::remove_file(run.cancel_request()).ok();
}
