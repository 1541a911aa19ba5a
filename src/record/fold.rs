//! Events to records.

use jiff::Timestamp;

use super::{
    Accelerator, AttemptRecord, JobRecord, JobSummary, Outcome, PrepareRecord, RunRecord, SCHEMA_VERSION, Status,
};
use crate::event::{DeclaredJob, Event, JobFinished, Reason, RunStarted, What};
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
            run_id: start.run_id.clone(),
            status: Status::RUNNING,
            rerun_of: start.rerun_of.clone(),
            target_id: start.target_id.clone(),
            target_description: start.target_description.clone(),
            source_root: start.source_root.clone(),
            snapshot_dir: start.snapshot_dir.clone(),
            git_head: start.git_head.clone(),
            git_dirty: start.git_dirty,
            created_at: at,
            finished_at: None,
            plan_path: start.plan_path.clone(),
            changed_files: start.changed_files.clone(),
            filters: start.filters.clone(),
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

    /// Takes in the next event and returns the job whose record changed.
    pub fn apply(&mut self, event: &Event) -> Option<&JobRecord> {
        let job = match &event.what {
            What::RunStarted(_) => None,
            What::CancelRequested { by } => {
                self.run.cancelled_by.get_or_insert_with(|| by.clone());
                None
            }
            What::PrepareStarted { node, log_path } => {
                let prepare = self.prepare(node);
                prepare.status = Status::RUNNING;
                prepare.started_at = Some(event.at);
                prepare.log_path = Some(log_path.clone());
                None
            }
            What::PrepareFinished { node, outcome, runner, reason } => {
                let prepare = self.prepare(node);
                prepare.status = Status::Done(*outcome);
                prepare.finished_at = Some(event.at);
                prepare.runner.clone_from(runner);
                prepare.reason = reason.clone();
                None
            }
            What::AcceleratorChosen { accelerator, reason } => {
                self.run.accelerator = Some(Accelerator { name: accelerator.clone(), reason: reason.clone() });
                None
            }
            What::JobStarted { job, attempt, logs } => self.change(job, |record| {
                record.status = Status::RUNNING;
                record.attempt = *attempt;
                record.started_at = Some(event.at);
                record.host_log_path = Some(logs.host.clone());
                record.guest_log_path = Some(logs.guest.clone());
                record.console_log_path.clone_from(&logs.console);
                record.phase = None;
            }),
            What::JobPhase { job, phase, .. } => self.change(job, |record| record.phase = Some(phase.clone())),
            What::AttemptFinished(finished) => {
                self.change(&finished.job, |record| record.earlier_attempts.push(attempt(record, finished, event.at)))
            }
            What::JobFinished(finished) => self.change(&finished.job, |record| finish(record, finished, event.at)),
            What::RunFinished { outcome, message } => {
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

    /// Returns when its first attempt began.
    #[must_use]
    pub fn first_started_at(&self) -> Option<Timestamp> {
        self.earlier_attempts.first().map_or(self.started_at, |first| first.started_at)
    }
}

fn attempt(record: &JobRecord, finished: &JobFinished, at: Timestamp) -> AttemptRecord {
    AttemptRecord {
        attempt: record.attempt,
        outcome: finished.outcome,
        exit_code: finished.exit_code,
        reason: finished.reason.clone(),
        host_log_path: record.host_log_path.clone(),
        guest_log_path: record.guest_log_path.clone(),
        console_log_path: record.console_log_path.clone(),
        started_at: record.started_at,
        finished_at: at,
        artifacts: finished.artifacts,
        artifacts_dir: finished.artifacts_dir.clone(),
    }
}

fn finish(record: &mut JobRecord, finished: &JobFinished, at: Timestamp) {
    record.status = Status::Done(finished.outcome);
    record.flaky = finished.outcome == Outcome::Passed && !record.earlier_attempts.is_empty();
    record.finished_at = Some(at);
    record.exit_code = finished.exit_code;
    record.reason = finished.reason.clone();
    record.log_cut = finished.log_cut;
    record.artifacts = finished.artifacts;
    record.artifacts_dir.clone_from(&finished.artifacts_dir);
    record.warnings.clone_from(&finished.warnings);
}
