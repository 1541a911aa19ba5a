//! The record of a job.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::run_record::SCHEMA_VERSION;
use super::step_record::{ServiceRecord, StepRecord};
use crate::event::{ArtifactSummary, CacheUse, DeclaredJob, EventKind, JobEnd, JobExit, LogPaths, Outcome, Status};
use crate::id::{JobId, NodeId, RecordedPath, RunId};

/// Logs of an attempt, relative to the state folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RecordedLogs {
    /// Log of pikaci and the hypervisor, relative to the state folder.
    pub host_log_path: Option<RecordedPath>,
    /// Output of the job, relative to the state folder.
    pub guest_log_path: Option<RecordedPath>,
    /// The guest kernel's console, relative to the state folder.
    pub console_log_path: Option<RecordedPath>,
}

impl From<&LogPaths> for RecordedLogs {
    fn from(logs: &LogPaths) -> Self {
        Self {
            host_log_path: Some(logs.host.clone()),
            guest_log_path: Some(logs.guest.clone()),
            console_log_path: logs.console.clone(),
        }
    }
}

/// An attempt at a job that was followed by another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AttemptRecord {
    /// The attempt, from 1.
    pub attempt: u32,
    /// The outcome.
    pub outcome: Outcome,
    /// The exit of the command.
    #[serde(flatten)]
    pub exit: JobExit,
    /// The logs.
    #[serde(flatten)]
    pub logs: RecordedLogs,
    /// Time of its start.
    pub started_at: Option<Timestamp>,
    /// Time of its end.
    pub finished_at: Timestamp,
    /// The artifacts.
    #[serde(flatten)]
    pub artifacts: ArtifactSummary,
}

/// A job, as it is written to `status.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JobRecord {
    /// The version of this format.
    #[schemars(extend("const" = SCHEMA_VERSION))]
    pub schema_version: u32,
    /// The job.
    pub id: JobId,
    /// Its description.
    pub description: String,
    /// Its status.
    pub status: Status,
    /// Its executor.
    pub executor: String,
    /// Its node in the plan.
    pub plan_node_id: NodeId,
    /// Time limit of its command, in seconds.
    pub timeout_secs: u64,
    /// The last attempt, from 1; 0 before the first one.
    pub attempt: u32,
    /// The attempts before it, which didn't pass.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier_attempts: Vec<AttemptRecord>,
    /// True if it passed after a failed attempt.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub flaky: bool,
    /// True if it failed and the job file allows that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allowed: bool,
    /// The steps of the last attempt.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<StepRecord>,
    /// The services of the last attempt.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<ServiceRecord>,
    /// The earlier run whose result the job took; its logs and artifacts are those of that run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_from: Option<RunId>,
    /// The logs.
    #[serde(flatten)]
    pub logs: RecordedLogs,
    /// The last phase of its guest.
    pub phase: Option<String>,
    /// Time of its start.
    pub started_at: Option<Timestamp>,
    /// Time of its end.
    pub finished_at: Option<Timestamp>,
    /// The exit of its command.
    #[serde(flatten)]
    pub exit: JobExit,
    /// True if the log lacks a part of the output.
    pub log_cut: bool,
    /// The artifacts.
    #[serde(flatten)]
    pub artifacts: ArtifactSummary,
    /// The uses of its caches.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub caches: Vec<CacheUse>,
    /// Warnings that change no outcome, about missing artifacts for instance.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
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
            allowed: false,
            steps: job.steps.iter().map(|name| StepRecord::queued(name)).collect(),
            services: job.services.iter().map(|name| ServiceRecord::queued(name)).collect(),
            taken_from: None,
            logs: RecordedLogs::default(),
            phase: None,
            started_at: None,
            finished_at: None,
            exit: JobExit::default(),
            log_cut: false,
            artifacts: ArtifactSummary::default(),
            caches: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// Records the end of the job.
    pub fn finish(&mut self, end: &JobEnd, at: Timestamp) {
        self.status = Status::Done(end.outcome);
        self.flaky = end.outcome == Outcome::Passed && !self.earlier_attempts.is_empty();
        self.finished_at = Some(at);
        self.allowed = end.allowed;
        for step in self.steps.iter_mut().filter(|step| step.status.outcome().is_none()) {
            let is_running = step.status == Status::RUNNING;
            let is_over = is_running || end.taken.is_some();
            step.status = Status::Done(if is_over { end.outcome } else { Outcome::Skipped });
            step.finished_at = is_running.then_some(at);
        }
        self.exit = end.exit.clone();
        self.log_cut = end.log.log_cut;
        self.artifacts = end.artifacts.clone();
        self.caches.clone_from(&end.caches);
        self.warnings.clone_from(&end.warnings);
        if let Some(taken) = &end.taken {
            self.logs = (&taken.logs).into();
            self.taken_from = Some(taken.from.clone());
        }
    }

    /// Records the start of an attempt.
    pub(super) fn begin_attempt(&mut self, attempt: u32, logs: &LogPaths, at: Timestamp) {
        self.status = Status::RUNNING;
        self.attempt = attempt;
        self.started_at = Some(at);
        self.logs = logs.into();
        self.phase = None;
        self.steps.iter_mut().for_each(|step| *step = StepRecord::queued(&step.name));
        self.services.iter_mut().for_each(|service| *service = ServiceRecord::queued(&service.name));
    }

    /// Records the event of a step or a service; another event, or one of another step, changes nothing.
    pub fn apply_step_event(&mut self, kind: &EventKind, at: Timestamp) {
        match kind {
            EventKind::StepStarted { step, .. } => self.change_step(step, |record| {
                record.status = Status::RUNNING;
                record.started_at = Some(at);
            }),
            EventKind::StepFinished { step, outcome, exit_code, log, .. } => self.change_step(step, |record| {
                record.status = Status::Done(*outcome);
                record.exit_code = *exit_code;
                record.finished_at = Some(at);
                record.log = Some(*log);
            }),
            EventKind::ServiceReady { service, .. } => {
                self.change_service(service, |record| record.ready_at = Some(at));
            }
            EventKind::ServiceEnded { service, exit_code, .. } => self.change_service(service, |record| {
                record.ended_at = Some(at);
                record.exit_code = Some(*exit_code);
            }),
            EventKind::ServiceLog { service, log, .. } => {
                self.change_service(service, |record| record.log = Some(*log));
            }
            _ => {}
        }
    }

    fn change_step(&mut self, name: &str, change: impl FnOnce(&mut StepRecord)) {
        if let Some(step) = self.steps.iter_mut().find(|step| step.name == name) {
            change(step);
        }
    }

    fn change_service(&mut self, name: &str, change: impl FnOnce(&mut ServiceRecord)) {
        if let Some(service) = self.services.iter_mut().find(|service| service.name == name) {
            change(service);
        }
    }

    /// Returns the record without the times of its attempt.
    #[must_use]
    pub fn without_times(&self) -> Self {
        let mut record = Self { started_at: None, finished_at: None, ..self.clone() };
        for step in &mut record.steps {
            (step.started_at, step.finished_at) = (None, None);
        }
        for service in &mut record.services {
            (service.ready_at, service.ended_at) = (None, None);
        }
        record
    }

    /// Returns whether a later run may take the result: the job passed at the first attempt, and its log is whole.
    #[must_use]
    pub fn has_whole_pass(&self) -> bool {
        self.status == Status::Done(Outcome::Passed) && !self.flaky && !self.log_cut
    }

    /// Returns the offset in the log after the output of the job itself, if the logs of services follow it.
    #[must_use]
    pub fn own_log_end(&self) -> Option<u64> {
        self.services.iter().filter_map(|service| service.log).map(|log| log.start).min()
    }

    /// Returns the offset in the log after the output that shows the failure: of the first step that failed, or of the
    /// whole job. A job without an exit code failed because of a service, whose output lies at the end.
    #[must_use]
    pub fn failure_log_end(&self) -> Option<u64> {
        self.exit.exit_code?;
        let has_failed = |step: &&StepRecord| step.status.outcome().is_some_and(|outcome| !outcome.is_success());
        let step = self.steps.iter().find(has_failed).and_then(|step| step.log);
        step.map(|log| log.end).or_else(|| self.own_log_end())
    }

    /// Returns the start of the first attempt.
    #[must_use]
    pub fn first_started_at(&self) -> Option<Timestamp> {
        self.earlier_attempts.first().map_or(self.started_at, |first| first.started_at)
    }

    /// Returns the record of the current attempt, which ended.
    pub(super) fn ended_attempt(&self, end: &JobEnd, at: Timestamp) -> AttemptRecord {
        AttemptRecord {
            attempt: self.attempt,
            outcome: end.outcome,
            exit: end.exit.clone(),
            logs: self.logs.clone(),
            started_at: self.started_at,
            finished_at: at,
            artifacts: end.artifacts.clone(),
        }
    }
}
