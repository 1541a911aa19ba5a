//! From the first node of a plan to the last.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::Scope;
use std::time::Duration;

use super::attempt::{ChosenAccelerator, job_started};
use super::ends::without_guest;
use super::errand::{End, Errand};
use super::recorder::Recorder;
use super::schedule::Schedule;
use super::{Settings, signal_name};
use crate::cancel::{Cancel, Urgency};
use crate::event::{Reason, What};
use crate::failpoint::{self, Point};
use crate::id::Digest;
use crate::plan::RunPlanRecord;
use crate::plan::record::{Place, Prepare, Work};
use crate::prepare::Runner;
use crate::record::{CANCEL_COMMAND, Outcome};
use crate::state::{RunLayout, recorded_path};

/// Why a node never ran in a run that was asked to end.
const CANCELLED: &str = "the run was cancelled";

enum Message {
    Happened(What),
    Ended(usize, End),
}

/// A panic waits for every node's thread, so it asks them to end.
struct EndAllOnPanic<'a>(&'a Cancel);

impl Drop for EndAllOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.abort();
        }
    }
}

/// A walk through a plan.
pub struct Walk<'a> {
    settings: Settings<'a>,
    run: RunLayout,
    plan: &'a RunPlanRecord,
    schedule: Schedule<'a>,
    runners: BTreeMap<Digest, Runner>,
    told_cancel: bool,
    failed: bool,
}

impl<'a> Walk<'a> {
    /// Begins with nothing done.
    pub fn new(settings: Settings<'a>, run: RunLayout, plan: &'a RunPlanRecord) -> Self {
        Self {
            settings,
            run,
            plan,
            schedule: Schedule::new(&plan.nodes, settings.budget),
            runners: BTreeMap::new(),
            told_cancel: false,
            failed: false,
        }
    }

    /// Carries out every node, or records why it wasn't.
    pub fn carry_out_all(mut self, recorder: &mut Recorder<'_>) {
        let chosen = ChosenAccelerator::new();
        let (sender, receiver) = channel();
        std::thread::scope(|scope| {
            let _end_all = EndAllOnPanic(self.settings.cancel);
            while !self.schedule.is_over() {
                self.stop_if_asked(recorder);
                failpoint::turn(Point::Walk).unwrap_or_default();
                while let Some(place) = self.schedule.start_next() {
                    self.start(scope, &chosen, recorder, place, &sender);
                }
                self.take(recorder, &receiver);
                recorder.settle();
            }
        });
    }

    fn take(&mut self, recorder: &mut Recorder<'_>, receiver: &Receiver<Message>) {
        match receiver.recv_timeout(Duration::from_millis(50)) {
            Ok(Message::Happened(what)) => recorder.record(what),
            Ok(Message::Ended(place, end)) => {
                // Why it was cancelled stands before that it was.
                if end.outcome() == Outcome::Cancelled {
                    self.stop_if_asked(recorder);
                }
                self.ended(recorder, place, end);
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
        }
    }

    fn stop_if_asked(&mut self, recorder: &mut Recorder<'_>) {
        if recorder.has_failed() {
            self.settings.cancel.abort();
        }
        let from_elsewhere = !self.told_cancel && self.run.cancel_request().is_there();
        if from_elsewhere {
            self.settings.cancel.abort();
        }
        let asked = self.settings.cancel.urgency() > Urgency::None;
        if asked && !self.told_cancel {
            self.told_cancel = true;
            let own = if from_elsewhere { CANCEL_COMMAND } else { "pikaci" };
            let by = self.settings.cancel.signal().map_or_else(|| own.to_owned(), signal_name);
            recorder.record(What::CancelRequested { by });
        }
        if asked || (self.settings.fail_fast && self.failed) {
            let why = if asked { CANCELLED } else { "another job failed first (--fail-fast)" };
            for place in self.schedule.cancel_waiting() {
                self.never_ran(recorder, place, Outcome::Cancelled, why.to_owned());
            }
        }
    }

    fn start<'scope>(
        &self,
        scope: &'scope Scope<'scope, '_>,
        chosen: &'scope ChosenAccelerator,
        recorder: &mut Recorder<'_>,
        place: usize,
        sender: &Sender<Message>,
    ) where
        'a: 'scope,
    {
        let node = &self.plan.nodes[place];
        let errand = match &node.work {
            Work::Prepare { prepare: Prepare::NixBuild { flake_digest, timeout_secs, .. } } => {
                let log = self.run.root().join(format!("prepare-{}.log", flake_digest.short()));
                let log_path = recorded_path(&log);
                recorder.record(What::PrepareStarted { node: node.id.clone(), log_path });
                Errand::Prepare { flake: flake_digest, timeout: Duration::from_secs(*timeout_secs), log }
            }
            Work::Execute { execute } => {
                let layout = self.run.job(&execute.job);
                recorder.record(job_started(execute, &layout, 1));
                let runner = match &execute.place {
                    Place::VmCommand { flake_digest, .. } => self.runners.get(flake_digest).cloned(),
                    Place::LocalCommand { .. } => None,
                };
                Errand::Job { job: execute, layout, runner }
            }
        };
        let settings = self.settings;
        let sender = sender.clone();
        scope.spawn(move || {
            // The receiver outlives every node.
            let tell = |what| sender.send(Message::Happened(what)).unwrap_or_default();
            let end = errand.carry_out(&settings, chosen, &tell);
            sender.send(Message::Ended(place, end)).unwrap_or_default();
        });
    }

    fn ended(&mut self, recorder: &mut Recorder<'_>, place: usize, end: End) {
        let node = &self.plan.nodes[place];
        let outcome = match end {
            End::Prepared(end) => {
                let runner = end.runner.as_ref().map(|runner| runner.path.to_string_lossy().into_owned());
                let (outcome, reason) = (end.outcome, end.reason);
                recorder.record(What::PrepareFinished { node: node.id.clone(), outcome, runner, reason });
                if let (Work::Prepare { prepare: Prepare::NixBuild { flake_digest, .. } }, Some(runner)) =
                    (&node.work, end.runner)
                {
                    self.runners.insert(flake_digest.clone(), runner);
                }
                outcome
            }
            End::Job(finished) => {
                let outcome = finished.outcome;
                recorder.record(What::JobFinished(finished));
                outcome
            }
        };
        self.failed |= !outcome.is_success();
        for (skipped, failed) in self.schedule.finish(place, outcome) {
            let failed = &self.plan.nodes[failed];
            let (outcome, why) = match &failed.work {
                _ if outcome == Outcome::Cancelled => (outcome, CANCELLED.to_owned()),
                Work::Prepare { .. } => (Outcome::Skipped, format!("its runner couldn't be built ({})", failed.id)),
                Work::Execute { execute } => (Outcome::Skipped, format!("it needs {}, which didn't pass", execute.job)),
            };
            self.never_ran(recorder, skipped, outcome, why);
        }
    }

    fn never_ran(&self, recorder: &mut Recorder<'_>, place: usize, outcome: Outcome, message: String) {
        let node = &self.plan.nodes[place];
        let reason = Reason { message: Some(message), ..Reason::default() };
        recorder.record(match &node.work {
            Work::Prepare { .. } => What::PrepareFinished { node: node.id.clone(), outcome, runner: None, reason },
            Work::Execute { execute } => What::JobFinished(Box::new(without_guest(&execute.job, outcome, reason))),
        });
    }
}
