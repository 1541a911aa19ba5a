//! Runs whose process is gone: their end is recorded by the next pikaci that looks.

#![expect(clippy::disallowed_methods, reason = "removes files of killed processes and reads the clock")]

use std::fs;

use anyhow::{Context as _, Result};
use jiff::Timestamp;

use super::recorder::{Recorder, remove_run_files};
use super::terminal_events::terminal_events;
use crate::event::{
    ArtifactSummary, DeclaredJob, Event, EventKind, JobEnd, JobFinished, LogExtent, LogPaths, Outcome, Status,
};
use crate::failpoint::Point;
use crate::foreign::Beneath;
use crate::id::{NodeId, RunId};
use crate::plan::record::VM;
use crate::record::{self, History, JobRecord, JobSummary, NoRecords};
use crate::state::{
    FileLock, LOCK, RunLayout, StateLayout, TemporaryFolder, is_temporary, is_torn, read_bounded, read_json,
    read_record, recorded_path, remove,
};

/// What is said of a run that nobody ended.
const INTERRUPTED: &str = "interrupted: pikaci was killed or the machine went down";

/// Records `errored: interrupted` for every run that says it is running while nobody holds its lock, and removes what it
/// left among temporary files.
///
/// # Errors
/// When the folder of runs can't be read; a single broken run is left as it is.
pub fn recover_interrupted(state: &StateLayout) -> Result<Vec<RunId>> {
    // A run that ended in order took its lock away: the many that did needn't be read.
    let locked = match state.runs().folders_with(LOCK) {
        Ok(names) => names,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("reading {}", state.runs().display())),
    };
    let mut recovered = Vec::new();
    for name in locked {
        let id = RunId::new(name.to_string_lossy());
        if recover(state, &id).unwrap_or(false) {
            recovered.push(id);
        }
    }
    if !recovered.is_empty() {
        TemporaryFolder::sweep_outside();
    }
    Ok(recovered)
}

fn recover(state: &StateLayout, id: &RunId) -> Result<bool> {
    let run = state.run(id);
    let Some(lock) = FileLock::try_existing(Point::RecoverLock, &run.lock())? else { return Ok(false) };
    let is_open = match read_record(&run) {
        Ok(record) => matches!(record.status, Status::Open(_)),
        Err(_) if is_torn(&run) => true,
        Err(error) => return Err(error),
    };
    if !is_open {
        // It said that it had ended, and no more came of it.
        remove_run_files(&run);
        return Ok(false);
    }
    let Remains { history, lost } = Remains::of(state, id)?;
    // What can't be removed is no reason to leave the record open.
    remove_leftovers(run.root(), 0).ok();
    let ended = history.run.status.outcome().is_some();
    let ignore: &mut dyn FnMut(&Event, &History) = &mut |_, _| {};
    let mut recorder = Recorder::resume(run, lock, history, ignore);
    if ended {
        recorder.rewrite()?;
    } else {
        for Event { at, kind } in lost {
            recorder.record_at(at, kind);
        }
        recorder.abandon(INTERRUPTED);
        // Once the run has ended nobody reads its events to tell a record again.
        recorder.write_jobs()?;
        recorder.finish().1?;
    }
    Ok(true)
}

/// Returns a run whose process is gone as it is once its end is recorded, and writes nothing.
///
/// # Errors
/// When its events and its record can't be read, or a later pikaci wrote them.
pub fn as_interrupted(state: &StateLayout, id: &RunId) -> Result<History> {
    let Remains { mut history, lost } = Remains::of(state, id)?;
    if history.run.status.outcome().is_some() {
        return Ok(history);
    }
    for event in &lost {
        history.apply(event);
    }
    let at = Timestamp::now();
    let end = EventKind::RunFinished { outcome: Outcome::Errored, message: Some(INTERRUPTED.to_owned()) };
    for kind in terminal_events(&history, INTERRUPTED).into_iter().chain([end]) {
        history.apply(&Event { at, kind });
    }
    Ok(history)
}

/// What there is of a run whose process is gone.
struct Remains {
    /// What its events say.
    history: History,
    /// How jobs went whose records say that they ended while the events of it are lost.
    lost: Vec<Event>,
}

impl Remains {
    fn of(state: &StateLayout, id: &RunId) -> Result<Self> {
        let run = state.run(id);
        let history = match replay(state, id) {
            // What it means is for that one to say.
            Err(error) if matches!(error.downcast_ref(), Some(NoRecords::Later(_))) => return Err(error),
            history => history.or_else(|_| from_records(&run))?,
        };
        let open = history.jobs.iter().filter(|job| job.status.outcome().is_none());
        let known = open.filter_map(|job| read_json::<JobRecord>(&run.job(&job.id).status()).ok());
        let lost = known.flat_map(|job| [started(&job), finished(&job)].into_iter().flatten());
        Ok(Self { lost: lost.collect(), history })
    }
}

/// Removes what a killed process was writing in `<run>/jobs/<job>/attempts/<n>/` and above, disks of guests above all.
/// Artifacts lie deeper, and may be called anything.
fn remove_leftovers(folder: &Beneath, depth: u32) -> Result<()> {
    for entry in folder.entries().with_context(|| format!("reading {}", folder.display()))? {
        let path = folder.join(&entry.name);
        if is_temporary(&entry.name) {
            if entry.is_folder {
                remove(&path)?;
            } else {
                fs::remove_file(&path).with_context(|| format!("removing {}", path.display()))?;
            }
        } else if entry.is_folder && depth < 4 {
            remove_leftovers(&path, depth + 1)?;
        }
    }
    Ok(())
}

/// Returns what the records say, for where the events can't be read.
fn from_records(run: &RunLayout) -> Result<History> {
    let record = read_record(run)?;
    let job = |job: &JobSummary| {
        read_json(&run.job(&job.id).status()).unwrap_or_else(|_| {
            JobRecord::queued(&DeclaredJob {
                id: job.id.clone(),
                description: String::new(),
                executor: VM.to_owned(),
                plan_node_id: NodeId::new(format!("execute:{}", job.id)),
                timeout_secs: 0,
            })
        })
    };
    Ok(History { jobs: record.jobs.iter().map(job).collect(), run: record })
}

/// Returns the beginning of a job's last attempt, as its record tells it, if the job has ended.
fn started(job: &JobRecord) -> Option<Event> {
    job.status.outcome()?;
    let (host, guest) = (job.host_log_path.clone()?, job.guest_log_path.clone()?);
    let logs = LogPaths { host, guest, console: job.console_log_path.clone() };
    Some(Event { at: job.started_at?, kind: EventKind::JobStarted { job: job.id.clone(), attempt: job.attempt, logs } })
}

/// Returns the end of a job, as its record tells it.
fn finished(job: &JobRecord) -> Option<Event> {
    let end = JobEnd {
        exit_code: job.exit_code,
        log: LogExtent { log_cut: job.log_cut, ..LogExtent::default() },
        artifacts: ArtifactSummary { artifacts: job.artifacts, artifacts_dir: job.artifacts_dir.clone() },
        warnings: job.warnings.clone(),
        ..JobEnd::without_output(job.status.outcome()?, job.reason.clone())
    };
    let finished = JobFinished { job: job.id.clone(), end };
    Some(Event { at: job.finished_at?, kind: EventKind::JobFinished(Box::new(finished)) })
}

/// Folds the events of a run, as [`record::replay`] does.
///
/// # Errors
/// When they can't be read, don't begin with the start of a run, or a later pikaci wrote them.
pub fn replay(state: &StateLayout, id: &RunId) -> Result<History> {
    let run = state.run(id);
    let events = run.events();
    let log = read_bounded(&events)?;
    let history = record::replay(&log, |job| recorded_path(&run.job(job).status()));
    history.with_context(|| format!("replaying {}", events.display()))
}
