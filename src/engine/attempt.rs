//! The attempts at one job: each in a guest or on this host, until one passes or none is left.

use std::sync::OnceLock;

use anyhow::{Context as _, Result, anyhow};
use rustix::io::Errno;

use super::ends::without_guest;
use super::errand::caught;
use super::retry::{AttemptEnd, Attempts};
use super::{Settings, job, local};
use crate::cancel::Urgency;
use crate::event::{JobFinished, LogPaths, Reason, What};
use crate::execute::accelerator::{self, Jailed};
use crate::execute::launch::{Launcher, Programs};
use crate::execute::qemu::Accelerator;
use crate::failpoint::{self, Point};
use crate::guest::{Control, quote};
use crate::host::free_disk;
use crate::id::JobId;
use crate::plan::record::{Place, PlannedJob};
use crate::prepare::Runner;
use crate::quota::MORE;
use crate::record::Outcome;
use crate::state::{AttemptLayout, JobLayout, append_line, recorded_path};

/// The bytes on disk without which no attempt begins.
const LEAST_DISK: u64 = 1 << 20;

/// The accelerator, once it is chosen, for all jobs of a run.
pub type ChosenAccelerator = OnceLock<Result<Accelerator, String>>;

/// What all attempts at a job start from.
pub struct Attempting<'a> {
    /// What the run is carried out with.
    pub settings: &'a Settings<'a>,
    /// The job.
    pub job: &'a PlannedJob,
    /// What it boots.
    pub runner: Option<&'a Runner>,
    /// The accelerator.
    pub chosen: &'a ChosenAccelerator,
    /// Is called with what happens on the way.
    pub tell: &'a dyn Fn(What),
}

impl Attempting<'_> {
    /// Runs the job until it passes or has no attempt left; each attempt keeps its files.
    pub fn run(&self, layout: &JobLayout) -> JobFinished {
        let Self { settings, job, tell, .. } = *self;
        let mut attempts = Attempts::new(job.retries, settings.infra_retries);
        let mut number = 1;
        loop {
            let attempt = layout.attempt(number);
            if let Some(reason) = full(settings) {
                return without_guest(&job.job, Outcome::Errored, reason);
            }
            let ended = caught(|| self.run_once(&attempt));
            let (finished, lost) = ended.unwrap_or_else(|error| (broken(job, &attempt, &format!("{error:#}")), false));
            let end = AttemptEnd { outcome: finished.outcome, lost };
            if settings.cancel.urgency() > Urgency::None || !attempts.again(end) {
                return finished;
            }
            tell(What::AttemptFinished(Box::new(finished)));
            number += 1;
            tell(job_started(job, layout, number));
        }
    }

    /// Returns how an attempt ended, and whether its guest was lost.
    fn run_once(&self, attempt: &AttemptLayout) -> Result<(JobFinished, bool)> {
        let Self { settings, job, tell, .. } = *self;
        failpoint::turn(Point::NodeBegins)?;
        let (deadlines, shares) = match &job.place {
            Place::VmCommand { deadlines, shares, .. } => (*deadlines, shares),
            Place::LocalCommand { .. } => {
                let context = local::Around {
                    snapshot: settings.snapshot,
                    quota: settings.quota,
                    cancel: settings.cancel,
                    env: settings.env,
                    folder: settings.local_folder,
                };
                return Ok((local::run(&context, job, attempt)?, false));
            }
        };
        let runner = self.runner.context("the plan has no Prepare node for the job's runner")?;
        let host = &settings.machines()?.host;
        let launcher = match &host.programs {
            Programs::Qemu { qemu, jail, share } => {
                let accelerator = self.choose(Jailed { program: qemu, jail }, runner)?;
                Launcher::Qemu { qemu, jail, accelerator, share }
            }
            Programs::Vfkit { vfkit, boot } => Launcher::Vfkit { vfkit, boot: *boot },
        };
        let mut phase = |line: &Control| tell_phase(tell, &job.job, line);
        let context = job::Around { host, quota: settings.quota, cancel: settings.cancel, snapshot: settings.snapshot };
        job::run(&context, job, job::Guest { runner, launcher, deadlines, shares }, attempt, &mut phase)
    }

    fn choose(&self, qemu: Jailed<'_>, runner: &Runner) -> Result<Accelerator> {
        let Settings { state, accelerator, cancel, .. } = *self.settings;
        let choice = self.chosen.get_or_init(|| {
            let found = accelerator::choose(accelerator, qemu, runner, state, cancel);
            let found = found.map_err(|error| format!("{error:#}"))?;
            let name = found.accelerator.name().to_owned();
            (self.tell)(What::AcceleratorChosen { accelerator: name, reason: found.reason });
            Ok(found.accelerator)
        });
        choice.clone().map_err(|error| anyhow!(error))
    }
}

/// Returns why no attempt can begin, where neither the run's budget nor the disk has room for its logs.
fn full(settings: &Settings<'_>) -> Option<Reason> {
    let (quota, root) = (settings.quota, settings.state.root());
    if quota.left() < LEAST_DISK {
        let (total, left) = (quota.total(), quota.left());
        let message = format!("of the run's disk budget of {total} bytes {left} are left, too few for another attempt");
        return Some(Reason::new(message, MORE));
    }
    // Where the disk can't be asked, writing to it fails soon enough.
    let free = free_disk(root).ok().filter(|free| *free < LEAST_DISK)?;
    let message = format!("starting an attempt with {free} bytes free in {}: {}", root.display(), Errno::NOSPC);
    Some(Reason::new(message, "pikaci gc, or make room on that disk"))
}

/// Returns that an attempt at a job begins.
pub fn job_started(job: &PlannedJob, layout: &JobLayout, number: u32) -> What {
    let attempt = layout.attempt(number);
    let console = matches!(job.place, Place::VmCommand { .. }).then(|| recorded_path(&attempt.console_log()));
    let (host, guest) = (recorded_path(&attempt.host_log()), recorded_path(&attempt.guest_log()));
    What::JobStarted { job: job.job.clone(), attempt: number, logs: LogPaths { host, guest, console } }
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
    let noted = attempt.root().make_folders().is_ok()
        && append_line(&log, &format!("pikaci: {}", message.replace('\n', " "))).is_ok();
    let hint = if noted {
        format!("pikaci logs --job {} --kind host", quote(job.job.as_str()))
    } else {
        "pikaci run, once that is mended".to_owned()
    };
    without_guest(&job.job, Outcome::Errored, Reason::new(message, hint))
}
