//! The recording of a run: appends events to the state folder, folds them, and writes the records.
//!
//! The record of a finished job or run is durable: it is synced, after the events that it follows from. Every other
//! record is a view: readers see it whole, and after a power loss it is computed from the events again. In a run with
//! many jobs the records of jobs are views too, and the whole file system is synced once before the run's record is
//! final. A run with few jobs syncs each of their records instead, because syncing a file system waits for all writes
//! to it.

#![expect(clippy::disallowed_methods, reason = "writes records and reads the clock")]

use std::collections::VecDeque;
use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use jiff::Timestamp;

use crate::event::{Event, EventKind, Outcome, RunStarted, Status};
use crate::failpoint::{Moment, Point, checkpoint, reach, run_step};
use crate::foreign::Beneath;
use crate::id::JobId;
use crate::plan::RunPlanRecord;
use crate::record::{History, terminal_events};
use crate::state::{
    FileLock, RunLayout, StateLayout, TEMPORARY_PREFIX, append_line, recorded_path, sync_file, sync_folder, sync_tree,
    write_json, write_view,
};

/// Runs with at most this many jobs sync every job record; larger runs sync once, at the end.
const FEW_JOBS: usize = 64;
/// Time that an event may wait for its sync; later events share the sync.
const SYNC_DELAY: Duration = Duration::from_millis(250);
/// Context of the error when an event or a record can't be written.
const RECORDING_FAILED: &str = "recording the run failed";

/// Receives each event of a run, with the history after the event.
pub type Observer<'a> = &'a mut dyn FnMut(&Event, &History);

/// The recording of a run. It holds the lock of the run.
pub struct Recorder<'a> {
    run: RunLayout,
    history: History,
    observer: Observer<'a>,
    failure: Option<anyhow::Error>,
    /// True if the record of the run is older than its events.
    is_stale: bool,
    /// Events that couldn't be written yet, in order, one line each. No record is written before them.
    unwritten: VecDeque<String>,
    /// Time of the oldest event that isn't synced.
    unsynced: Option<Instant>,
    _lock: FileLock,
}

impl<'a> Recorder<'a> {
    /// Creates the folder of a run, with its lock, its plan, its first event and its record.
    ///
    /// # Errors
    /// When a file of the run can't be written.
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
        let event = Event { at, kind: EventKind::RunStarted(Box::new(start)) };
        recorder.append(&event)?;
        recorder.sync_events()?;
        write_json(Point::RunRecord, &recorder.run.record(), &recorder.history.run)?;
        reach(Point::Run, Moment::Synced)?;
        // The rename makes a run appear whole and locked, or not at all.
        fs::rename(draft.path(), run.root()).with_context(|| format!("making {}", run.root().display()))?;
        draft.disable_cleanup(true);
        recorder.run = run;
        reach(Point::Run, Moment::Renamed)?;
        sync_folder(&runs)?;
        reach(Point::Run, Moment::After)?;
        (recorder.observer)(&event, &recorder.history);
        Ok(recorder)
    }

    /// Continues the recording of a run whose process has ended.
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

    /// Records an event with the current time. The first failure to write is kept, and ends the run.
    pub fn record(&mut self, kind: EventKind) {
        self.record_at(Timestamp::now(), kind);
    }

    /// Records an event with its time.
    pub fn record_at(&mut self, at: Timestamp, kind: EventKind) {
        let event = Event { at, kind };
        let appended = self.append(&event);
        self.keep_first_error(appended);
        let changed = self.history.apply(&event).map(|job| job.id.clone());
        let recorded = match (&event.kind, changed) {
            (EventKind::JobFinished(_), Some(job)) => self.write_job(&job),
            (
                EventKind::JobStarted { .. } | EventKind::StepStarted { .. } | EventKind::StepFinished { .. },
                Some(job),
            ) => self.write_job_view(&job),
            _ => Ok(()),
        };
        self.is_stale |= matches!(
            event.kind,
            EventKind::PrepareFinished { .. } | EventKind::JobStarted { .. } | EventKind::JobFinished(_)
        );
        let view = if self.has_few_jobs() { self.write_run_view() } else { Ok(()) };
        self.keep_first_error(recorded.and(view));
        (self.observer)(&event, &self.history);
    }

    fn has_few_jobs(&self) -> bool {
        self.history.jobs.len() <= FEW_JOBS
    }

    /// Keeps the error of `result`, unless an earlier error is kept.
    fn keep_first_error(&mut self, result: Result<()>) {
        if let Err(error) = result {
            self.failure.get_or_insert(error.context(RECORDING_FAILED));
        }
    }

    /// Syncs the events if the oldest unsynced event has waited long enough.
    pub fn sync_if_due(&mut self) {
        if self.unsynced.is_some_and(|since| since.elapsed() >= SYNC_DELAY) {
            let synced = self.sync_events().and_then(|()| self.write_run_view());
            self.keep_first_error(synced);
        }
    }

    fn sync_events(&mut self) -> Result<()> {
        if self.unsynced.take().is_some() {
            run_step(Point::EventSync, || sync_file(&self.run.events()))?;
        }
        Ok(())
    }

    /// Ends all open nodes and makes the run errored, after its process failed or died.
    pub fn abandon(&mut self, message: &str) {
        for kind in terminal_events(&self.history, message) {
            self.record(kind);
        }
        self.failure.get_or_insert_with(|| anyhow::anyhow!("{message}"));
    }

    /// Returns the records so far.
    #[must_use]
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Returns true if an event or a record couldn't be written.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.failure.is_some()
    }

    /// Records the end of the run. After a failure to write, writes the records of all jobs again. Returns the history,
    /// with an error if the end couldn't be recorded.
    pub fn finish(mut self) -> (History, Result<()>) {
        let message = self.history.cancelled_by().map(|by| format!("cancelled by {by}"));
        let failure = self.failure.take().map(|error| format!("{error:#}"));
        let outcome = if failure.is_some() { Outcome::Errored } else { self.outcome() };
        let message = failure.clone().or(message);
        if failure.is_some() {
            // The run's record names the failure that is kept, so a second failure is ignored.
            self.write_jobs().ok();
        }
        self.record(EventKind::RunFinished { outcome, message });
        let closed = self.close();
        (self.history, self.failure.take().map_or(closed, Err))
    }

    /// Syncs all records, then records the end of the run.
    fn close(&mut self) -> Result<()> {
        self.write_remaining_events()?;
        self.sync_events()?;
        let (root, jobs) = (self.run.root(), self.run.jobs());
        run_step(Point::RunSync, || if self.has_few_jobs() { sync_folder(&jobs) } else { sync_tree(root) })?;
        write_json(Point::RunRecord, &self.run.record(), &self.history.run)?;
        remove_run_files(&self.run);
        Ok(())
    }

    /// Writes all records again, after the process of the run died between its last event and its last record.
    ///
    /// # Errors
    /// When a record can't be written.
    pub fn rewrite(&mut self) -> Result<()> {
        self.write_jobs().and_then(|()| self.close())
    }

    /// Writes the records of all jobs; a failure doesn't prevent the writing of the others.
    ///
    /// # Errors
    /// When a record can't be written.
    pub fn write_jobs(&mut self) -> Result<()> {
        let jobs: Vec<JobId> = self.history.jobs.iter().map(|job| job.id.clone()).collect();
        let written: Vec<_> = jobs.iter().map(|job| self.write_job(job)).collect();
        written.into_iter().collect()
    }

    fn outcome(&self) -> Outcome {
        let run = &self.history.run;
        let prepares = run.prepares.iter().map(|prepare| prepare.status);
        let outcome = |status: Status| match status.outcome() {
            Some(outcome) if !matches!(outcome, Outcome::Failed | Outcome::TimedOut) => outcome,
            // A runner that can't be built is an infrastructure failure.
            _ => Outcome::Errored,
        };
        let jobs = run.jobs.iter().map(|job| match job.status.outcome() {
            _ if job.allowed => Outcome::Passed,
            outcome => outcome.unwrap_or(Outcome::Errored),
        });
        Outcome::of_run(&jobs.chain(prepares.map(outcome)).collect::<Vec<_>>())
    }

    fn append(&mut self, event: &Event) -> Result<()> {
        self.unwritten.push_back(event.to_line().context("encoding an event")?);
        self.write_events()?;
        Ok(reach(Point::Event, Moment::After)?)
    }

    /// Writes the events that are not written yet.
    fn write_events(&mut self) -> Result<()> {
        reach(Point::Event, Moment::Before).with_context(|| format!("appending to {}", self.run.events().display()))?;
        while let Some(line) = self.unwritten.front() {
            append_line(&self.run.events(), line)?;
            self.unwritten.pop_front();
            self.unsynced.get_or_insert_with(Instant::now);
        }
        Ok(())
    }

    fn write_remaining_events(&mut self) -> Result<()> {
        if self.unwritten.is_empty() { Ok(()) } else { self.write_events() }
    }

    fn write_job(&mut self, job: &JobId) -> Result<()> {
        if !self.has_few_jobs() {
            return self.write_job_view(job);
        }
        let path = self.prepare_job_record(job).and_then(|path| self.sync_events().map(|()| path))?;
        self.history.job(job).map_or(Ok(()), |record| write_json(Point::JobRecord, &path, record))
    }

    fn write_job_view(&mut self, job: &JobId) -> Result<()> {
        let path = self.prepare_job_record(job)?;
        self.history.job(job).map_or(Ok(()), |record| write_view(Point::JobView, &path, record))
    }

    fn write_run_view(&mut self) -> Result<()> {
        if !std::mem::take(&mut self.is_stale) {
            return Ok(());
        }
        self.write_remaining_events()?;
        write_view(Point::RunView, &self.run.record(), &self.history.run)
    }

    /// Creates the folder of a job, and returns the path of the job's record.
    fn prepare_job_record(&mut self, job: &JobId) -> Result<Beneath> {
        self.write_remaining_events()?;
        let layout = self.run.job(job);
        let made = checkpoint(Point::JobFolder).and_then(|()| layout.root().make_folders());
        made.with_context(|| format!("making {}", layout.root().display()))?;
        Ok(layout.status())
    }
}

/// Removes the lock and the cancel request of a finished run. If that fails, the next pikaci removes them.
pub fn remove_run_files(run: &RunLayout) {
    run_step(Point::Unlock, || fs::remove_file(run.lock())).ok();
    fs::remove_file(run.cancel_request()).ok();
}
