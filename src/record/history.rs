//! The fold of events into records.

use jiff::Timestamp;

use super::job_record::JobRecord;
use super::run_record::{Accelerator, JobSummary, PrepareRecord, RunRecord, SCHEMA_VERSION};
use crate::event::{DeclaredJob, Event, EventKind, Outcome, Reason, RunStarted, Status};
use crate::id::{JobId, NodeId, RecordedPath};

/// The records of a run and its jobs after some events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// The run.
    pub run: RunRecord,
    /// The jobs, in the order of the plan.
    pub jobs: Vec<JobRecord>,
}

impl History {
    /// Returns the records after the first event of a run. `status_path` returns the path of a job's record.
    #[must_use]
    pub fn begin(at: Timestamp, start: &RunStarted, status_path: impl Fn(&JobId) -> RecordedPath) -> Self {
        let summary = |job: &DeclaredJob| JobSummary {
            id: job.id.clone(),
            status: Status::QUEUED,
            flaky: false,
            allowed: false,
            status_path: status_path(&job.id),
        };
        let run = RunRecord {
            schema_version: SCHEMA_VERSION,
            run_id: start.run_id.clone(),
            status: Status::RUNNING,
            source: start.source.clone(),
            created_at: at,
            finished_at: None,
            selection: start.selection.clone(),
            message: None,
            cancelled_by: None,
            host_os: start.host_os.clone(),
            accelerator: None,
            prepares: Vec::new(),
            jobs: start.jobs.iter().map(summary).collect(),
            left_out: start.left_out.clone(),
        };
        Self { run, jobs: start.jobs.iter().map(JobRecord::queued).collect() }
    }

    /// Applies the next event, and returns the job whose record changed.
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
            EventKind::JobStarted { job, attempt, logs } => {
                self.change(job, |record| record.begin_attempt(*attempt, logs, event.at))
            }
            kind @ (EventKind::StepStarted { job, .. }
            | EventKind::StepFinished { job, .. }
            | EventKind::ServiceReady { job, .. }
            | EventKind::ServiceEnded { job, .. }
            | EventKind::ServiceLog { job, .. }) => self.change(job, |record| record.apply_step_event(kind, event.at)),
            EventKind::JobPhase { job, phase, .. } => self.change(job, |record| record.phase = Some(phase.clone())),
            EventKind::AttemptFinished(finished) => self.change(&finished.job, |record| {
                record.earlier_attempts.push(record.ended_attempt(&finished.end, event.at));
            }),
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

    /// Returns the sender of the cancel request, if the request cancelled something.
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
        self.run.jobs[index].allowed = self.jobs[index].allowed;
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
