//! Events to records.

use jiff::Timestamp;

use super::{
    Accelerator, AttemptRecord, JobRecord, JobSummary, Outcome, PrepareRecord, RunRecord, SCHEMA_VERSION, Status,
};
use crate::event::{DeclaredJob, Event, EventKind, JobEnd, Reason, RunStarted};
use crate::id::{JobId, NodeId, RecordedPath};

/// A run and its jobs as the events so far tell them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// The run.
    pub run: RunRecord,
    /// The jobs, in the order of the plan.
    pub jobs: Vec<JobRecord>,
}

impl History {
    /// Begins with the first event of a run; `status_path` tells where a job's record lies.
    #[must_use]
    pub fn begin(at: Timestamp, start: &RunStarted, status_path: impl Fn(&JobId) -> RecordedPath) -> Self {
        let summary = |job: &DeclaredJob| JobSummary {
            id: job.id.clone(),
            status: Status::QUEUED,
            flaky: false,
            status_path: status_path(&job.id),
        };
        let run = RunRecord {
            schema_version: SCHEMA_VERSION,
            status: Status::RUNNING,
            info: start.info.clone(),
            created_at: at,
            finished_at: None,
            message: None,
            cancelled_by: None,
            accelerator: None,
            prepares: Vec::new(),
            jobs: start.jobs.iter().map(summary).collect(),
            left_out: start.left_out.clone(),
        };
        Self { run, jobs: start.jobs.iter().map(JobRecord::queued).collect() }
    }

    /// Takes in the next event and returns the job whose record changed.
    pub fn apply(&mut self, event: &Event) -> Option<&JobRecord> {
        let job = match &event.kind {
            EventKind::RunStarted(_) => None,
            EventKind::CancelRequested { by } => {
                self.run.cancelled_by.get_or_insert_with(|| by.clone());
                None
            }
            EventKind::PrepareStarted { node, log_path } => {
                let prepare = self.prepare(node);
                prepare.status = Status::RUNNING;
                prepare.started_at = Some(event.at);
                prepare.log_path = Some(log_path.clone());
                None
            }
            EventKind::PrepareFinished { node, outcome, runner, reason } => {
                let prepare = self.prepare(node);
                prepare.status = Status::Done(*outcome);
                prepare.finished_at = Some(event.at);
                prepare.runner.clone_from(runner);
                prepare.reason = reason.clone();
                None
            }
            EventKind::AcceleratorChosen { accelerator, reason } => {
                self.run.accelerator = Some(Accelerator { name: accelerator.clone(), reason: reason.clone() });
                None
            }
            EventKind::JobStarted { job, attempt, logs } => self.change(job, |record| {
                record.status = Status::RUNNING;
                record.attempt = *attempt;
                record.started_at = Some(event.at);
                record.host_log_path = Some(logs.host.clone());
                record.guest_log_path = Some(logs.guest.clone());
                record.console_log_path.clone_from(&logs.console);
                record.phase = None;
            }),
            EventKind::JobPhase { job, phase, .. } => self.change(job, |record| record.phase = Some(phase.clone())),
            EventKind::AttemptFinished(finished) => self
                .change(&finished.job, |record| record.earlier_attempts.push(attempt(record, &finished.end, event.at))),
            EventKind::JobFinished(finished) => {
                self.change(&finished.job, |record| record.finish(&finished.end, event.at))
            }
            EventKind::RunFinished { outcome, message } => {
                self.run.status = Status::Done(*outcome);
                self.run.finished_at = Some(event.at);
                self.run.message.clone_from(message);
                None
            }
        };
        job.map(|index| &self.jobs[index])
    }

    /// Returns the record of a job.
    #[must_use]
    pub fn job(&self, id: &JobId) -> Option<&JobRecord> {
        self.jobs.iter().find(|job| job.id == *id)
    }

    /// Returns what cancelled the run: what asked it to end, unless everything had ended by itself.
    #[must_use]
    pub fn cancelled_by(&self) -> Option<&str> {
        let jobs = self.run.jobs.iter().map(|job| job.status);
        let mut statuses = jobs.chain(self.run.prepares.iter().map(|prepare| prepare.status));
        let any = statuses.any(|status| status == Status::Done(Outcome::Cancelled));
        self.run.cancelled_by.as_deref().filter(|_| any)
    }

    fn change(&mut self, id: &JobId, change: impl FnOnce(&mut JobRecord)) -> Option<usize> {
        let index = self.jobs.iter().position(|job| job.id == *id)?;
        change(&mut self.jobs[index]);
        self.run.jobs[index].status = self.jobs[index].status;
        self.run.jobs[index].flaky = self.jobs[index].flaky;
        Some(index)
    }

    fn prepare(&mut self, node: &NodeId) -> &mut PrepareRecord {
        let prepares = &mut self.run.prepares;
        let index = prepares.iter().position(|prepare| prepare.plan_node_id == *node).unwrap_or_else(|| {
            prepares.push(PrepareRecord {
                plan_node_id: node.clone(),
                status: Status::QUEUED,
                log_path: None,
                runner: None,
                started_at: None,
                finished_at: None,
                reason: Reason::default(),
            });
            prepares.len() - 1
        });
        &mut self.run.prepares[index]
    }
}

impl JobRecord {
    /// Returns the record of a job that has not begun.
    #[must_use]
    pub fn queued(job: &DeclaredJob) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            id: job.id.clone(),
            description: job.description.clone(),
            status: Status::QUEUED,
            executor: job.executor.clone(),
            plan_node_id: job.plan_node_id.clone(),
            timeout_secs: job.timeout_secs,
            attempt: 0,
            earlier_attempts: Vec::new(),
            flaky: false,
            host_log_path: None,
            guest_log_path: None,
            console_log_path: None,
            phase: None,
            started_at: None,
            finished_at: None,
            exit_code: None,
            reason: Reason::default(),
            log_cut: false,
            artifacts: 0,
            artifacts_dir: None,
            warnings: Vec::new(),
        }
    }

    /// Records the end of the job.
    pub fn finish(&mut self, end: &JobEnd, at: Timestamp) {
        self.status = Status::Done(end.outcome);
        self.flaky = end.outcome == Outcome::Passed && !self.earlier_attempts.is_empty();
        self.finished_at = Some(at);
        self.exit_code = end.exit_code;
        self.reason = end.reason.clone();
        self.log_cut = end.log.log_cut;
        self.artifacts = end.artifacts.artifacts;
        self.artifacts_dir.clone_from(&end.artifacts.artifacts_dir);
        self.warnings.clone_from(&end.warnings);
    }

    /// Returns when its first attempt began.
    #[must_use]
    pub fn first_started_at(&self) -> Option<Timestamp> {
        self.earlier_attempts.first().map_or(self.started_at, |first| first.started_at)
    }
}

fn attempt(record: &JobRecord, end: &JobEnd, at: Timestamp) -> AttemptRecord {
    AttemptRecord {
        attempt: record.attempt,
        outcome: end.outcome,
        exit_code: end.exit_code,
        reason: end.reason.clone(),
        host_log_path: record.host_log_path.clone(),
        guest_log_path: record.guest_log_path.clone(),
        console_log_path: record.console_log_path.clone(),
        started_at: record.started_at,
        finished_at: at,
        artifacts: end.artifacts.artifacts,
        artifacts_dir: end.artifacts.artifacts_dir.clone(),
    }
}
