//! One node carried out, on a thread of its own: whatever goes wrong becomes its end.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use anyhow::{Result, anyhow};

use super::Settings;
use super::attempt::{Attempting, ChosenAccelerator};
use crate::event::{JobFinished, Reason, What};
use crate::execute::vm;
use crate::failpoint::{self, Point};
use crate::foreign::Beneath;
use crate::guest::quote;
use crate::id::Digest;
use crate::plan::record::PlannedJob;
use crate::prepare::{Prepared, Runner, prepare};
use crate::record::Outcome;
use crate::state::JobLayout;

/// A node with all that it starts from.
pub enum Errand<'a> {
    /// Brings about a runner.
    Prepare {
        /// The runner's flake.
        flake: &'a Digest,
        /// How long the build may take.
        timeout: Duration,
        /// Where the build's log goes.
        log: Beneath,
    },
    /// Runs a job.
    Job {
        /// The job.
        job: &'a PlannedJob,
        /// Where its files go.
        layout: JobLayout,
        /// What it boots.
        runner: Option<Runner>,
    },
}

/// How a node ended.
pub enum End {
    /// A runner is there, or isn't.
    Prepared(Box<PrepareEnd>),
    /// A job ended.
    Job(Box<JobFinished>),
}

impl End {
    /// Returns how.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Prepared(end) => end.outcome,
            Self::Job(end) => end.outcome,
        }
    }
}

/// How a Prepare node ended.
pub struct PrepareEnd {
    /// How.
    pub outcome: Outcome,
    /// The runner.
    pub runner: Option<Runner>,
    /// Why it isn't there.
    pub reason: Reason,
}

impl Errand<'_> {
    /// Carries it out; `tell` is called with what happens on the way.
    pub fn carry_out(self, settings: &Settings<'_>, chosen: &ChosenAccelerator, tell: &dyn Fn(What)) -> End {
        match self {
            Self::Prepare { flake, timeout, log } => {
                let end = caught(|| run_prepare(settings, flake, timeout, &log));
                End::Prepared(Box::new(end.unwrap_or_else(|error| PrepareEnd {
                    outcome: Outcome::Errored,
                    runner: None,
                    reason: Reason::new(format!("{error:#}"), "pikaci run, once that is mended"),
                })))
            }
            Self::Job { job, layout, runner } => {
                let attempts = Attempting { settings, job, runner: runner.as_ref(), chosen, tell };
                End::Job(Box::new(attempts.run(&layout)))
            }
        }
    }
}

/// Makes a panic an error, so that the run goes on and says where it was.
pub fn caught<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(anyhow!("pikaci panicked: {}", text(&*panic))))
}

fn text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("for an unknown reason")
}

fn run_prepare(settings: &Settings<'_>, flake: &Digest, timeout: Duration, log: &Beneath) -> Result<PrepareEnd> {
    failpoint::turn(Point::PrepareBegins)?;
    let rendered = settings.flakes.get(flake);
    let end = |outcome, runner, reason| Ok(PrepareEnd { outcome, runner, reason });
    match prepare(settings.state, &settings.machines()?.nix, flake, rendered, log, timeout, settings.cancel) {
        Err(error) => end(Outcome::Errored, None, Reason::new(format!("{error:#}"), error.hint())),
        Ok(Prepared::Cached(runner)) => end(Outcome::Cached, Some(runner), Reason::default()),
        Ok(Prepared::Built(runner)) => end(Outcome::Passed, Some(runner), Reason::default()),
        Ok(Prepared::Cancelled) => end(Outcome::Cancelled, None, Reason::default()),
        Ok(Prepared::Late) => {
            let message = format!("nix build took longer than {} s", timeout.as_secs());
            let hint = "raise the guest's `prepareTimeout` in pikaci.nix, or find out in the log what it waited for";
            let evidence = vm::tail(log)?;
            end(Outcome::TimedOut, None, Reason { evidence, ..Reason::new(message, hint) })
        }
        Ok(Prepared::Failed(advice)) => {
            let look = format!("less {}", quote(&log.to_string_lossy()));
            let hint = advice.into_iter().chain([look]).collect::<Vec<_>>().join("; or ");
            let mut reason = Reason::new("nix build failed", hint);
            reason.evidence = vm::tail(log)?;
            end(Outcome::Failed, None, reason)
        }
    }
}
