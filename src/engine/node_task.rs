//! One node of a plan, which runs on its own thread and turns every failure into the end of the node.

use std::time::Duration;

use anyhow::Result;

use super::catch_panic::catch_panic;
use super::job_attempts::JobAttempts;
use super::run_accelerator::RunAccelerator;
use super::run_context::RunContext;
use crate::event::{EventKind, JobEnd, Outcome, Reason};
use crate::execute::console::tail;
use crate::execute::job_inputs::JobInput;
use crate::failpoint::{self, Point};
use crate::foreign::Beneath;
use crate::id::Digest;
use crate::plan::record::PlannedJob;
use crate::prepare::{PrepareOutcome, Runner, prepare_runner};
use crate::state::JobLayout;
use crate::text::quote;

/// A node that is ready to run.
pub enum NodeTask<'a> {
    /// Builds a runner.
    Prepare {
        /// Digest of the runner's flake.
        flake: &'a Digest,
        /// Time limit of the build.
        timeout: Duration,
        /// Log of the build.
        log: Beneath,
    },
    /// Runs a job.
    Job {
        /// The job.
        job: &'a PlannedJob,
        /// Folder of the job.
        layout: JobLayout,
        /// The outcome of the needed jobs together.
        needs_status: Outcome,
        /// The runner that the job's guest boots; `None` for a job without a guest.
        runner: Option<Runner>,
        /// The inputs of the job, or the reason for which one is missing.
        inputs: Result<Vec<JobInput>>,
    },
}

/// The end of a node.
pub enum NodeEnd {
    /// The end of a Prepare node.
    Prepare(Box<PrepareEnd>),
    /// The end of an Execute node.
    Job(Box<JobEnd>),
}

impl NodeEnd {
    /// Returns the outcome.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Prepare(end) => end.outcome,
            Self::Job(end) => end.outcome,
        }
    }
}

/// The end of a Prepare node.
pub struct PrepareEnd {
    /// The outcome.
    pub outcome: Outcome,
    /// The runner; `None` unless the node passed or the runner was cached.
    pub runner: Option<Runner>,
    /// The reason of the outcome; empty if there is a runner.
    pub reason: Reason,
}

impl PrepareEnd {
    fn without_runner(outcome: Outcome, reason: Reason) -> Self {
        Self { outcome, runner: None, reason }
    }
}

impl NodeTask<'_> {
    /// Runs the node to its end, and passes the events in between to `emit`.
    pub fn run(self, context: &RunContext<'_>, accelerator: &RunAccelerator, emit: &dyn Fn(EventKind)) -> NodeEnd {
        match self {
            Self::Prepare { flake, timeout, log } => {
                let end = catch_panic(|| run_prepare(context, flake, timeout, &log));
                NodeEnd::Prepare(Box::new(end.unwrap_or_else(|error| {
                    let reason = Reason::new(format!("{error:#}"), "fix the error, then: pikaci run");
                    PrepareEnd::without_runner(Outcome::Errored, reason)
                })))
            }
            Self::Job { job, layout, needs_status, runner, inputs } => {
                let attempts = JobAttempts {
                    context,
                    job,
                    layout: &layout,
                    runner: runner.as_ref(),
                    needs_status,
                    inputs: &inputs,
                    accelerator,
                    emit,
                };
                NodeEnd::Job(Box::new(attempts.run()))
            }
        }
    }
}

fn run_prepare(context: &RunContext<'_>, flake: &Digest, timeout: Duration, log: &Beneath) -> Result<PrepareEnd> {
    failpoint::checkpoint(Point::PrepareBegins)?;
    let rendered = context.flakes.get(flake);
    let with_runner = |outcome, runner| PrepareEnd { outcome, runner: Some(runner), reason: Reason::default() };
    let without_runner = PrepareEnd::without_runner;
    Ok(
        match prepare_runner(
            context.state,
            &context.guest_programs()?.nix,
            flake,
            rendered,
            log,
            timeout,
            context.cancel,
        ) {
            Err(error) => without_runner(Outcome::Errored, Reason::new(format!("{error:#}"), error.hint())),
            Ok(PrepareOutcome::Cached(runner)) => with_runner(Outcome::Cached, runner),
            Ok(PrepareOutcome::Built(runner)) => with_runner(Outcome::Passed, runner),
            Ok(PrepareOutcome::Cancelled) => without_runner(Outcome::Cancelled, Reason::default()),
            Ok(PrepareOutcome::TimedOut) => {
                let message = format!("nix build took longer than {} s", timeout.as_secs());
                let hint =
                    "raise the guest's `prepareTimeout` in pikaci.nix, or read in the log what the build waited for";
                without_runner(Outcome::TimedOut, Reason { evidence: tail(log)?, ..Reason::new(message, hint) })
            }
            Ok(PrepareOutcome::Failed(advice)) => {
                let read_log = format!("less {}", quote(&log.to_string_lossy()));
                let hint = advice.into_iter().chain([read_log]).collect::<Vec<_>>().join("; or ");
                without_runner(
                    Outcome::Failed,
                    Reason { evidence: tail(log)?, ..Reason::new("nix build failed", hint) },
                )
            }
        },
    )
}
