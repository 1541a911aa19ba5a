//! The walk through a plan, from its first node to its last.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::Scope;
use std::time::Duration;

use super::input_folders::input_folders;
use super::job_attempts::job_started;
use super::node_task::{NodeEnd, NodeTask};
use super::recorder::Recorder;
use super::run_accelerator::RunAccelerator;
use super::run_context::RunContext;
use super::schedule::{NodeIndex, Schedule, SkipCause};
use super::taken_result::taken_result;
use crate::cancel::{Cancel, Urgency};
use crate::event::{EventKind, JobEnd, JobFinished, Outcome, Reason};
use crate::failpoint::{self, Point};
use crate::id::Digest;
use crate::plan::RunPlanRecord;
use crate::plan::record::{JobExecutor, PlannedJob, Prepare, Work};
use crate::prepare::Runner;
use crate::record::CANCEL_COMMAND;
use crate::state::{RunLayout, append_line, keep_result, recorded_path};

/// Reason of a node that a cancelled run didn't start.
const CANCELLED_REASON: &str = "the run was cancelled";

/// Interval at which the walk checks for the file that `pikaci cancel` writes, and for events that are due to be synced.
/// A signal arrives as a message.
const CHECK_INTERVAL: Duration = Duration::from_millis(100);

enum WalkMessage {
    CancelRequested,
    Event(EventKind),
    Ended(NodeIndex, NodeEnd),
}

/// Cancels the run when the walk panics: the panic waits for the threads of all nodes.
struct CancelOnPanic<'a>(&'a Cancel);

impl Drop for CancelOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.request_polite();
        }
    }
}

/// A walk through a plan, with the state of its nodes.
pub struct Walk<'a> {
    context: RunContext<'a>,
    run: RunLayout,
    schedule: Schedule<'a>,
    runners: BTreeMap<Digest, Runner>,
    has_recorded_cancel: bool,
    failed: bool,
}

impl<'a> Walk<'a> {
    /// Returns the walk before its first node.
    pub fn new(context: RunContext<'a>, run: RunLayout, plan: &'a RunPlanRecord) -> Self {
        Self {
            context,
            run,
            schedule: Schedule::new(&plan.nodes, context.budget),
            runners: BTreeMap::new(),
            has_recorded_cancel: false,
            failed: false,
        }
    }

    /// Runs every node that can run, and records a reason for every other node.
    pub fn run_all(mut self, recorder: &mut Recorder<'_>) {
        let accelerator = RunAccelerator::default();
        let (sender, receiver) = channel();
        let requests = sender.clone();
        // The receiver outlives the subscription, so sending doesn't fail.
        let _subscription = self.context.cancel.subscribe(Urgency::Polite, move || {
            requests.send(WalkMessage::CancelRequested).unwrap_or_default();
        });
        std::thread::scope(|scope| {
            let _cancel_on_panic = CancelOnPanic(self.context.cancel);
            while !self.schedule.is_over() {
                self.apply_cancel(recorder);
                failpoint::checkpoint(Point::Walk).unwrap_or_default();
                while let Some(index) = self.schedule.start_next() {
                    if !self.finish_at_once(recorder, index) {
                        self.start(scope, &accelerator, recorder, index, &sender);
                    }
                }
                self.receive(recorder, &receiver);
                recorder.sync_if_due();
            }
        });
    }

    fn receive(&mut self, recorder: &mut Recorder<'_>, receiver: &Receiver<WalkMessage>) {
        match receiver.recv_timeout(CHECK_INTERVAL) {
            Ok(WalkMessage::Event(kind)) => recorder.record(kind),
            Ok(WalkMessage::Ended(index, end)) => {
                // The record of a cancelled node must follow the record of the cancel request.
                if end.outcome() == Outcome::Cancelled {
                    self.apply_cancel(recorder);
                }
                self.finish_node(recorder, index, end);
            }
            // The loop applies a cancel request next.
            Ok(WalkMessage::CancelRequested) | Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
        }
    }

    fn apply_cancel(&mut self, recorder: &mut Recorder<'_>) {
        if recorder.has_failed() {
            self.context.cancel.request_polite();
        }
        let by_command = !self.has_recorded_cancel && self.run.cancel_request().is_there();
        if by_command {
            self.context.cancel.request_polite();
        }
        let is_cancelled = self.context.cancel.urgency() > Urgency::None;
        if is_cancelled && !self.has_recorded_cancel {
            self.has_recorded_cancel = true;
            let default = if by_command { CANCEL_COMMAND } else { "pikaci" };
            let by = self.context.cancel.signal().map_or_else(|| default.to_owned(), signal_name);
            recorder.record(EventKind::CancelRequested { by });
        }
        if is_cancelled || (self.context.fail_fast && self.failed) {
            let reason = if is_cancelled { CANCELLED_REASON } else { "another job failed first (--fail-fast)" };
            for index in self.schedule.cancel_waiting() {
                self.finish_unstarted(recorder, index, Outcome::Cancelled, reason.to_owned());
            }
        }
    }

    /// Finishes a job that takes the result of an earlier run, or a build for such jobs only. Returns false for another
    /// node, which has to run.
    fn finish_at_once(&mut self, recorder: &mut Recorder<'_>, index: NodeIndex) -> bool {
        match &self.schedule.node(index).work {
            Work::Execute { execute } => {
                let Some(from) = &execute.taken_from else { return false };
                let end = taken_result(self.context.state, &execute.job, from);
                self.finish_node(recorder, index, NodeEnd::Job(Box::new(end)));
            }
            Work::Prepare { .. } => {
                if self.schedule.is_needed(index) {
                    return false;
                }
                let message = "its jobs take their results from earlier runs".to_owned();
                self.finish_unstarted(recorder, index, Outcome::Skipped, message);
                self.schedule.finish(index, true);
            }
        }
        true
    }

    fn start<'scope>(
        &self,
        scope: &'scope Scope<'scope, '_>,
        accelerator: &'scope RunAccelerator,
        recorder: &mut Recorder<'_>,
        index: NodeIndex,
        sender: &Sender<WalkMessage>,
    ) where
        'a: 'scope,
    {
        let node = self.schedule.node(index);
        let task = match &node.work {
            Work::Prepare { prepare: Prepare::NixBuild { flake_digest, timeout_secs, .. } } => {
                let log = self.run.prepare_log(flake_digest);
                let log_path = recorded_path(&log);
                recorder.record(EventKind::PrepareStarted { node: node.id.clone(), log_path });
                NodeTask::Prepare { flake: flake_digest, timeout: Duration::from_secs(*timeout_secs), log }
            }
            Work::Execute { execute } => {
                let layout = self.run.job(&execute.job);
                recorder.record(job_started(execute, &layout, 1));
                let runner = match &execute.executor {
                    JobExecutor::VmCommand { flake_digest, .. } => self.runners.get(flake_digest).cloned(),
                    JobExecutor::LocalCommand { .. } => None,
                };
                let passed = self.schedule.needs_passed(index);
                let needs_status = if passed { Outcome::Passed } else { Outcome::Failed };
                let inputs = input_folders(self.context.state, recorder.history(), execute);
                NodeTask::Job { job: execute, layout, needs_status, runner, inputs }
            }
        };
        let context = self.context;
        let sender = sender.clone();
        scope.spawn(move || {
            // The receiver outlives every node, so sending doesn't fail.
            let emit = |kind| sender.send(WalkMessage::Event(kind)).unwrap_or_default();
            let end = task.run(&context, accelerator, &emit);
            sender.send(WalkMessage::Ended(index, end)).unwrap_or_default();
        });
    }

    fn finish_node(&mut self, recorder: &mut Recorder<'_>, index: NodeIndex, end: NodeEnd) {
        let node = self.schedule.node(index);
        let (outcome, passed) = match end {
            NodeEnd::Prepare(end) => {
                let runner = end.runner.as_ref().map(|runner| runner.path.to_string_lossy().into_owned());
                let (outcome, reason) = (end.outcome, end.reason);
                recorder.record(EventKind::PrepareFinished { node: node.id.clone(), outcome, runner, reason });
                if let (Work::Prepare { prepare: Prepare::NixBuild { flake_digest, .. } }, Some(runner)) =
                    (&node.work, end.runner)
                {
                    self.runners.insert(flake_digest.clone(), runner);
                }
                (outcome, outcome.is_success())
            }
            NodeEnd::Job(end) => {
                let (outcome, passed) = (end.outcome, end.outcome.is_success() || end.allowed);
                if let Work::Execute { execute } = &node.work {
                    let finished = JobFinished { job: execute.job.clone(), end: *end };
                    recorder.record(EventKind::JobFinished(Box::new(finished)));
                    self.keep_result(recorder, execute);
                }
                (outcome, passed)
            }
        };
        self.failed |= !passed;
        for (skipped, cause) in self.schedule.finish(index, passed) {
            let (outcome, message) = match cause {
                _ if outcome == Outcome::Cancelled => (outcome, CANCELLED_REASON.to_owned()),
                SkipCause::NoFailure => {
                    (Outcome::Skipped, "it runs after a failure, and what it needs passed".to_owned())
                }
                SkipCause::Failed(need) => {
                    let need = self.schedule.node(need);
                    let message = match &need.work {
                        Work::Prepare { .. } => format!("its runner couldn't be built ({})", need.id),
                        Work::Execute { execute } => format!("it needs {}, which didn't pass", execute.job),
                    };
                    (Outcome::Skipped, message)
                }
            };
            self.finish_unstarted(recorder, skipped, outcome, message);
        }
    }

    /// Keeps the result of a job that passed at once, for later runs.
    fn keep_result(&self, recorder: &Recorder<'_>, job: &PlannedJob) {
        let Some(key) = job.result_key.as_ref().filter(|_| job.cache) else { return };
        if let Some(record) = recorder.history().job(&job.job).filter(|job| job.has_whole_pass())
            && let Err(error) = keep_result(self.context.state, &key.digest, self.context.run_id)
        {
            // The job only runs again the next time, so the host log is the place for this.
            let log = self.run.job(&job.job).attempt(record.attempt).host_log();
            append_line(&log, &format!("pikaci: the result isn't kept for later runs: {error:#}")).ok();
        }
    }

    fn finish_unstarted(&self, recorder: &mut Recorder<'_>, index: NodeIndex, outcome: Outcome, message: String) {
        let node = self.schedule.node(index);
        let reason = Reason { message: Some(message), ..Reason::default() };
        recorder.record(match &node.work {
            Work::Prepare { .. } => EventKind::PrepareFinished { node: node.id.clone(), outcome, runner: None, reason },
            Work::Execute { execute } => EventKind::JobFinished(Box::new(JobFinished {
                job: execute.job.clone(),
                end: JobEnd::without_output(outcome, reason),
            })),
        });
    }
}

fn signal_name(signal: i32) -> String {
    match signal {
        1 => "SIGHUP".to_owned(),
        2 => "SIGINT".to_owned(),
        15 => "SIGTERM".to_owned(),
        other => format!("signal {other}"),
    }
}
