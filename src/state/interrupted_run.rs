//! Runs whose process died before it could record their end.

#![expect(clippy::disallowed_methods, reason = "reads the clock")]

use anyhow::Result;
use jiff::Timestamp;

use super::read_records::{read_job_record, read_run_record};
use super::replay_run::replay_run;
use super::state_layout::StateLayout;
use crate::event::{DeclaredJob, Event, EventKind, JobEnd, JobFinished, LogExtent, LogPaths, Outcome};
use crate::id::RunId;
use crate::record::{History, JobRecord, NoRecords, terminal_events};

/// Message of a run that was interrupted.
pub const INTERRUPTED: &str = "interrupted: pikaci was killed or the machine went down";

/// A run whose process died before it could record the run's end.
#[derive(Debug)]
pub struct InterruptedRun {
    /// The history up to the last event, or up to the last records if the events can't be read.
    pub history: History,
    /// Events that were lost, although records of jobs follow from them.
    pub lost_events: Vec<Event>,
}

impl InterruptedRun {
    /// Reads the remains of a run.
    ///
    /// # Errors
    /// When neither its events nor its record can be read, or when a later pikaci wrote them.
    pub fn read(state: &StateLayout, id: &RunId) -> Result<Self> {
        let run = state.run(id);
        let history = match replay_run(state, id) {
            // Only the pikaci that wrote later events can judge them.
            Err(error) if matches!(error.downcast_ref(), Some(NoRecords::Later(_))) => return Err(error),
            history => history.or_else(|_| history_from_records(state, id))?,
        };
        let open = history.jobs.iter().filter(|job| job.status.outcome().is_none());
        let recorded = open.filter_map(|job| read_job_record(&run.job(&job.id).status()).ok());
        let lost_events = recorded.flat_map(|job| [started(&job), finished(&job)].into_iter().flatten()).collect();
        Ok(Self { history, lost_events })
    }

    /// Returns the history with the end that the next recovery records.
    #[must_use]
    pub fn into_history(self) -> History {
        let Self { mut history, lost_events } = self;
        if history.run.status.outcome().is_some() {
            return history;
        }
        for event in &lost_events {
            history.apply(event);
        }
        let at = Timestamp::now();
        let end = EventKind::RunFinished { outcome: Outcome::Errored, message: Some(INTERRUPTED.to_owned()) };
        for kind in terminal_events(&history, INTERRUPTED).into_iter().chain([end]) {
            history.apply(&Event { at, kind });
        }
        history
    }
}

/// Returns the history that the records show, for a run whose events can't be read.
fn history_from_records(state: &StateLayout, id: &RunId) -> Result<History> {
    let run = state.run(id);
    let record = read_run_record(&run)?;
    let job =
        |id| read_job_record(&run.job(id).status()).unwrap_or_else(|_| JobRecord::queued(&DeclaredJob::with_id(id)));
    Ok(History { jobs: record.jobs.iter().map(|summary| job(&summary.id)).collect(), run: record })
}

/// Returns the start of a job's last attempt from the record of a job that has ended.
fn started(job: &JobRecord) -> Option<Event> {
    job.status.outcome()?;
    let (host, guest) = (job.logs.host_log_path.clone()?, job.logs.guest_log_path.clone()?);
    let logs = LogPaths { host, guest, console: job.logs.console_log_path.clone() };
    Some(Event { at: job.started_at?, kind: EventKind::JobStarted { job: job.id.clone(), attempt: job.attempt, logs } })
}

/// Returns the end of a job from its record.
fn finished(job: &JobRecord) -> Option<Event> {
    let end = JobEnd {
        log: LogExtent { log_cut: job.log_cut, ..LogExtent::default() },
        artifacts: job.artifacts.clone(),
        warnings: job.warnings.clone(),
        ..JobEnd::without_output(job.status.outcome()?, job.exit.clone())
    };
    let finished = JobFinished { job: job.id.clone(), end };
    Some(Event { at: job.finished_at?, kind: EventKind::JobFinished(Box::new(finished)) })
}
