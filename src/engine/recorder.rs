//! Events into the state folder: appended, folded, and the folds written.

use std::collections::VecDeque;
use std::fs;

use anyhow::{Context as _, Result};
use jiff::Timestamp;

use super::errand::without_guest;
use crate::event::{Event, JobFinished, Reason, RunStarted, What};
use crate::failpoint::{Moment, Point, around, reach, turn};
use crate::id::JobId;
use crate::plan::RunPlanRecord;
use crate::record::{History, JobRecord, Outcome, Status};
use crate::state::{
    FileLock, RunLayout, StateLayout, TEMPORARY_PREFIX, append_line, sync_file, sync_folder, write_json,
};

/// Of how many jobs each one's change is worth a run's record.
const FEW: usize = 32;
/// What failed when a record can't be written.
const NOT_RECORDED: &str = "recording the run failed";

/// What a run's observers are called with: each event after it is folded in.
pub type Observer<'a> = &'a mut dyn FnMut(&Event, &History);

/// The recording of one run; while it lives, the run's lock is held.
pub struct Recorder<'a> {
    state: &'a StateLayout,
    run: RunLayout,
    history: History,
    observer: Observer<'a>,
    failure: Option<anyhow::Error>,
    /// Changes of jobs since the run's record was written.
    changes: usize,
    /// The lines of events that couldn't be written, in their order: records wait for them.
    unwritten: VecDeque<String>,
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
        fs::create_dir_all(&runs).with_context(|| format!("making {}", runs.display()))?;
        reach(Point::Run, Moment::Before)?;
        let mut draft = tempfile::Builder::new()
            .prefix(TEMPORARY_PREFIX)
            .tempdir_in(&runs)
            .with_context(|| format!("making a folder in {}", runs.display()))?;
        let drafted = RunLayout::new(draft.path().to_owned());
        let lock = FileLock::exclusive(Point::RunLock, &drafted.lock())?;
        fs::create_dir(drafted.jobs()).with_context(|| format!("making {}", drafted.jobs().display()))?;
        write_json(Point::Plan, &drafted.plan(), plan)?;
        let at = Timestamp::now();
        let history = History::begin(at, &start, |job| status_path(state, &run, job));
        let mut recorder = Self::resume(state, drafted, lock, history, observer);
        let event = Event { at, what: What::RunStarted(Box::new(start)) };
        recorder.append(&event)?;
        recorder.write_run()?;
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
    pub fn resume(
        state: &'a StateLayout,
        run: RunLayout,
        lock: FileLock,
        history: History,
        observer: Observer<'a>,
    ) -> Self {
        Self { state, run, history, observer, failure: None, changes: 0, unwritten: VecDeque::new(), _lock: lock }
    }

    /// Records what happened now. What can't be written is kept as the recording's failure: the run is to end then.
    pub fn record(&mut self, what: What) {
        self.record_at(Timestamp::now(), what);
    }

    /// Records what happened at that time.
    pub fn record_at(&mut self, at: Timestamp, what: What) {
        let event = Event { at, what };
        if let Err(error) = self.append(&event) {
            self.failure.get_or_insert(error.context(NOT_RECORDED));
        }
        let changed = self.history.apply(&event).map(|job| job.id.clone());
        let settled = matches!(event.what, What::JobStarted { .. } | What::JobFinished(_));
        if let Some(job) = changed.filter(|_| settled)
            && let Err(error) = self.write_job(&job).and_then(|()| self.write_run_of_many())
        {
            self.failure.get_or_insert(error.context(NOT_RECORDED));
        }
        if matches!(event.what, What::PrepareFinished { .. })
            && let Err(error) = self.write_run()
        {
            self.failure.get_or_insert(error.context(NOT_RECORDED));
        }
        (self.observer)(&event, &self.history);
    }

    /// Writes the run's record after a job has changed; where there are many, not after each: it holds all of them, and
    /// while a run goes on its events tell how it stands.
    fn write_run_of_many(&mut self) -> Result<()> {
        self.changes += 1;
        if self.changes < self.history.jobs.len() / FEW {
            return Ok(());
        }
        self.changes = 0;
        self.write_run()
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
        let written = self.write_run();
        if written.is_ok() {
            // Only a look that is slower for once comes of a lock that stays.
            around(Point::Unlock, || fs::remove_file(self.run.lock())).ok();
            fs::remove_file(self.run.cancel_request()).ok();
        }
        (self.history, self.failure.take().map_or(written, Err))
    }

    /// Writes the records as they are: where a process ended between its last event and its last record.
    ///
    /// # Errors
    /// When one can't be written.
    pub fn rewrite(&mut self) -> Result<()> {
        self.write_jobs()?;
        self.write_run()
    }

    /// Writes the record of each job that can be written.
    fn write_jobs(&mut self) -> Result<()> {
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
        // A record that survives a power loss must not speak of an event that doesn't.
        match event.what {
            What::RunStarted(_)
            | What::PrepareFinished { .. }
            | What::AttemptFinished(_)
            | What::JobFinished(_)
            | What::RunFinished { .. } => sync_file(&self.run.events())?,
            _ => {}
        }
        Ok(reach(Point::Event, Moment::After)?)
    }

    /// Writes the events that are to be written: a record speaks of no event that isn't there.
    fn write_events(&mut self) -> Result<()> {
        reach(Point::Event, Moment::Before).with_context(|| format!("appending to {}", self.run.events().display()))?;
        while let Some(line) = self.unwritten.front() {
            append_line(&self.run.events(), line)?;
            self.unwritten.pop_front();
        }
        Ok(())
    }

    fn write_late_events(&mut self) -> Result<()> {
        if self.unwritten.is_empty() {
            return Ok(());
        }
        self.write_events()?;
        sync_file(&self.run.events())
    }

    fn write_job(&mut self, job: &JobId) -> Result<()> {
        self.write_late_events()?;
        let Some(record) = self.history.job(job) else { return Ok(()) };
        let layout = self.run.job(job);
        let made = turn(Point::JobFolder).and_then(|()| fs::create_dir_all(layout.root()));
        made.with_context(|| format!("making {}", layout.root().display()))?;
        write_json(Point::JobRecord, &layout.status(), record)
    }

    fn write_run(&mut self) -> Result<()> {
        self.write_late_events()?;
        write_json(Point::RunRecord, &self.run.record(), &self.history.run)
    }

    /// Returns a path of the state folder as records hold it.
    #[must_use]
    pub fn relative(&self, path: &std::path::Path) -> String {
        relative(self.state, path)
    }
}

/// Returns a path of the state folder as records hold it.
#[must_use]
pub fn relative(state: &StateLayout, path: &std::path::Path) -> String {
    state.relative(path).unwrap_or_else(|| path.to_path_buf()).to_string_lossy().into_owned()
}

/// Returns how what is open ends with the process that saw to it.
pub fn ends_of_open(history: &History, message: &str) -> Vec<What> {
    let open = |status: Status| status.outcome().is_none();
    let prepares = history.run.prepares.iter().filter(|prepare| open(prepare.status));
    let prepares = prepares.map(|prepare| {
        let (node, reason) = (prepare.plan_node_id.clone(), Reason::new(message, "pikaci run"));
        What::PrepareFinished { node, outcome: Outcome::Errored, runner: None, reason }
    });
    let jobs = history.jobs.iter().filter(|job| open(job.status));
    let jobs = jobs.map(|job| What::JobFinished(Box::new(ended_with_run(job, message))));
    prepares.chain(jobs).collect()
}

fn ended_with_run(job: &JobRecord, message: &str) -> JobFinished {
    let (outcome, message) = match job.status {
        Status::RUNNING => (Outcome::Errored, message),
        _ => (Outcome::Cancelled, "the run was interrupted before it began"),
    };
    without_guest(&job.id, outcome, Reason::new(message, "pikaci run"))
}

fn status_path(state: &StateLayout, run: &RunLayout, job: &JobId) -> String {
    relative(state, &run.job(job).status())
}
