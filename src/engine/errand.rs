//! One node carried out, on a thread of its own: whatever goes wrong becomes its end.

use std::any::Any;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};

use super::recorder::relative;
use super::retry::{AttemptEnd, Attempts};
use super::{Machines, Settings, job, local};
use crate::cancel::Urgency;
use crate::event::{JobFinished, LogPaths, Reason, What};
use crate::execute::launch::{Launcher, Programs};
use crate::execute::qemu::Accelerator;
use crate::execute::{accelerator, vm};
use crate::failpoint::{self, Point};
use crate::guest::{Control, quote};
use crate::id::{Digest, JobId};
use crate::plan::record::{Place, PlannedJob};
use crate::prepare::{Prepared, Runner, prepare};
use crate::record::{History, JobRecord, Outcome, Status};
use crate::state::{AttemptLayout, JobLayout, StateLayout, append_line};

/// A node with all that it starts from.
pub enum Errand<'a> {
    /// Brings about a runner.
    Prepare {
        /// The runner's flake.
        flake: &'a Digest,
        /// How long the build may take.
        timeout: Duration,
        /// Where the build's log goes.
        log: PathBuf,
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

/// The accelerator, once it is chosen, for all jobs of a run.
pub type ChosenAccelerator = OnceLock<Result<Accelerator, String>>;

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
                End::Job(Box::new(run_attempts(settings, job, &layout, runner.as_ref(), chosen, tell)))
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

fn run_prepare(settings: &Settings<'_>, flake: &Digest, timeout: Duration, log: &Path) -> Result<PrepareEnd> {
    failpoint::turn(Point::PrepareBegins)?;
    let rendered = settings.flakes.get(flake);
    let end = |outcome, runner, reason| Ok(PrepareEnd { outcome, runner, reason });
    match prepare(settings.state, &machines(settings)?.nix, flake, rendered, log, timeout, settings.cancel) {
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
        Ok(Prepared::Failed) => {
            let mut reason = Reason::new("nix build failed", format!("less {}", quote(&log.to_string_lossy())));
            reason.evidence = vm::tail(log)?;
            end(Outcome::Failed, None, reason)
        }
    }
}

/// Runs a job until it passes or has no attempt left; each attempt keeps its files.
fn run_attempts(
    settings: &Settings<'_>,
    job: &PlannedJob,
    layout: &JobLayout,
    runner: Option<&Runner>,
    chosen: &ChosenAccelerator,
    tell: &dyn Fn(What),
) -> JobFinished {
    let mut attempts = Attempts::new(job.retries, settings.infra_retries);
    let mut number = 1;
    loop {
        let attempt = layout.attempt(number);
        let ended = caught(|| run_job(settings, job, &attempt, runner, chosen, tell));
        let (finished, lost) = ended.unwrap_or_else(|error| (broken(job, &attempt, &format!("{error:#}")), false));
        let end = AttemptEnd { outcome: finished.outcome, lost };
        if settings.cancel.urgency() > Urgency::None || !attempts.again(end) {
            return finished;
        }
        tell(What::AttemptFinished(Box::new(finished)));
        number += 1;
        tell(job_started(settings.state, job, layout, number));
    }
}

/// Returns that an attempt at a job begins.
pub fn job_started(state: &StateLayout, job: &PlannedJob, layout: &JobLayout, number: u32) -> What {
    let attempt = layout.attempt(number);
    let console = matches!(job.place, Place::VmCommand { .. }).then(|| relative(state, &attempt.console_log()));
    let (host, guest) = (relative(state, &attempt.host_log()), relative(state, &attempt.guest_log()));
    What::JobStarted { job: job.job.clone(), attempt: number, logs: LogPaths { host, guest, console } }
}

fn run_job(
    settings: &Settings<'_>,
    job: &PlannedJob,
    attempt: &AttemptLayout,
    runner: Option<&Runner>,
    chosen: &ChosenAccelerator,
    tell: &dyn Fn(What),
) -> Result<(JobFinished, bool)> {
    failpoint::turn(Point::NodeBegins)?;
    let (deadlines, shares) = match &job.place {
        Place::VmCommand { deadlines, shares, .. } => (*deadlines, shares),
        Place::LocalCommand { snapshot } => {
            let around = local::Around { state: settings.state, cancel: settings.cancel, env: settings.env };
            return Ok((local::run(&around, job, snapshot, attempt)?, false));
        }
    };
    let runner = runner.context("the plan has no Prepare node for the job's runner")?;
    let host = &machines(settings)?.host;
    let launcher = match &host.programs {
        Programs::Qemu { qemu, share } => {
            let accelerator = choose(settings, chosen, qemu, runner, tell)?;
            Launcher::Qemu { qemu, accelerator, share }
        }
        Programs::Vfkit(vfkit) => Launcher::Vfkit(vfkit),
    };
    let mut phase = |line: &Control| tell_phase(tell, &job.job, line);
    let around = job::Around {
        host,
        cancel: settings.cancel,
        root: settings.state.root(),
        snapshot: &|digest| settings.state.snapshot(digest),
    };
    job::run(&around, job, job::Guest { runner, launcher, deadlines, shares }, attempt, &mut phase)
}

fn machines<'a>(settings: &Settings<'a>) -> Result<&'a Machines> {
    settings.machines.context("the run was begun without what builds and boots guests")
}

fn choose(
    settings: &Settings<'_>,
    chosen: &ChosenAccelerator,
    qemu: &Path,
    runner: &Runner,
    tell: &dyn Fn(What),
) -> Result<Accelerator> {
    let choice = chosen.get_or_init(|| {
        let found = accelerator::choose(settings.accelerator, qemu, runner, settings.state, settings.cancel);
        let found = found.map_err(|error| format!("{error:#}"))?;
        tell(What::AcceleratorChosen { accelerator: found.accelerator.name().to_owned(), reason: found.reason });
        Ok(found.accelerator)
    });
    choice.clone().map_err(|error| anyhow!(error))
}

fn tell_phase(tell: &dyn Fn(What), job: &JobId, line: &Control) {
    failpoint::turn(Point::Phase).unwrap_or_default();
    let (phase, uptime_ms) = match line {
        Control::Phase { name, uptime_centis } => (name.clone(), Some(uptime_centis.saturating_mul(10))),
        Control::Ready => ("ready".to_owned(), None),
        _ => return,
    };
    tell(What::JobPhase { job: job.clone(), phase, uptime_ms });
}

/// Returns the end of a job around which something broke, after writing that where the hint leads.
fn broken(job: &PlannedJob, attempt: &AttemptLayout, message: &str) -> JobFinished {
    let log = attempt.host_log();
    let noted = fs::create_dir_all(attempt.root()).is_ok()
        && append_line(&log, &format!("pikaci: {}", message.replace('\n', " "))).is_ok();
    let hint = if noted {
        format!("pikaci logs --job {} --kind host", quote(job.job.as_str()))
    } else {
        "pikaci run, once that is mended".to_owned()
    };
    without_guest(&job.job, Outcome::Errored, Reason::new(message, hint))
}

/// Returns the end of a job that had no guest.
pub fn without_guest(job: &JobId, outcome: Outcome, reason: Reason) -> JobFinished {
    JobFinished {
        job: job.clone(),
        outcome,
        exit_code: None,
        reason,
        guest_log_bytes: 0,
        log_cut: false,
        artifacts: 0,
        artifacts_dir: None,
    }
}

/// Returns how what is open ends with the process that saw to it.
pub fn ends_of_open(history: &History, message: &str) -> Vec<What> {
    let open = |status: Status| status.outcome().is_none();
    let prepares = history.run.prepares.iter().filter(|prepare| open(prepare.status));
    let prepares = prepares.map(|prepare| {
        let (node, reason) = (prepare.plan_node_id.clone(), Reason::new(message, "pikaci run"));
        What::PrepareFinished { node, outcome: Outcome::Errored, runner: None, reason }
    });
    let jobs = history.jobs.iter().filter(|job| open(job.status));
    let jobs = jobs.map(|job| What::JobFinished(Box::new(ended_with_run(job, message))));
    prepares.chain(jobs).collect()
}

fn ended_with_run(job: &JobRecord, message: &str) -> JobFinished {
    let (outcome, message) = match job.status {
        Status::RUNNING => (Outcome::Errored, message),
        _ => (Outcome::Cancelled, "the run was interrupted before it began"),
    };
    without_guest(&job.id, outcome, Reason::new(message, "pikaci run"))
}
