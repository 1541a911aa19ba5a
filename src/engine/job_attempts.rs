//! The attempts at a job, until one passes or none is left.

use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use rustix::io::Errno;

use super::catch_panic::catch_panic;
use super::retry::Retries;
use super::run_accelerator::RunAccelerator;
use super::run_context::RunContext;
use super::run_env::run_env;
use super::step_events::StepEvents;
use crate::cancel::Urgency;
use crate::event::{EventKind, JobEnd, JobFinished, LogPaths, Outcome, Reason};
use crate::execute::executor;
use crate::execute::host_context::{GuestHost, HostContext};
use crate::execute::job_caches::CacheHost;
use crate::execute::job_inputs::JobInput;
use crate::failpoint::{self, Point};
use crate::host::free_disk;
use crate::id::JobId;
use crate::plan::record::{JobExecutor, PlannedJob};
use crate::prepare::Runner;
use crate::quota::DISK_QUOTA_HINT;
use crate::state::{AttemptLayout, FileLock, JobLayout, append_line, recorded_path};
use crate::text::quote;

/// Minimum of free space on disk for another attempt, in bytes.
const MIN_DISK: u64 = 1 << 20;

/// Time between two looks at the places of a group.
const PLACE_DELAY: Duration = Duration::from_millis(200);

/// A job that is ready to run, with everything that its attempts share.
pub struct JobAttempts<'a> {
    /// The context of the run.
    pub context: &'a RunContext<'a>,
    /// The job.
    pub job: &'a PlannedJob,
    /// Folder of the job.
    pub layout: &'a JobLayout,
    /// The runner that the job's guest boots; `None` for a job without a guest.
    pub runner: Option<&'a Runner>,
    /// The outcome of the needed jobs together.
    pub needs_status: Outcome,
    /// The inputs of the job, or the reason for which one is missing.
    pub inputs: &'a Result<Vec<JobInput>>,
    /// The accelerator of all guests of the run.
    pub accelerator: &'a RunAccelerator,
    /// Receives the events between the start of the job and its end.
    pub emit: &'a dyn Fn(EventKind),
}

impl JobAttempts<'_> {
    /// Runs the job until it passes or has no attempt left. Each attempt keeps its files.
    pub fn run(&self) -> JobEnd {
        let Self { context, job, emit, .. } = *self;
        let _place = match self.take_place() {
            Ok(place) => place,
            Err(error) => return infra_failure(&job.job, &self.layout.attempt(1), &format!("{error:#}")),
        };
        let mut retries = Retries::new(job.retries, context.infra_retries);
        let mut number = 1;
        loop {
            let attempt = self.layout.attempt(number);
            if let Some(reason) = reason_without_disk_space(context) {
                return JobEnd::without_output(Outcome::Errored, reason);
            }
            let end = catch_panic(|| self.run_attempt(&attempt, number));
            let mut end = end.unwrap_or_else(|error| infra_failure(&job.job, &attempt, &format!("{error:#}")));
            end.mark_allowed(&job.allow_failure);
            if end.allowed || context.cancel.urgency() > Urgency::None || !retries.use_up(&end) {
                return end;
            }
            emit(EventKind::AttemptFinished(Box::new(JobFinished { job: job.job.clone(), end })));
            number += 1;
            emit(job_started(job, self.layout, number));
        }
    }

    /// Waits for a place in the group of the job, which other runs may have taken. Returns without one after a cancel
    /// request.
    fn take_place(&self) -> Result<Option<FileLock>> {
        let Self { context, job, .. } = *self;
        let Some(group) = &job.group else { return Ok(None) };
        let mut is_reported = false;
        loop {
            for place in 0..group.limit {
                let lock = FileLock::try_exclusive(Point::GroupLock, &context.state.group_lock(&group.name, place))?;
                if lock.is_some() {
                    return Ok(lock);
                }
            }
            if !std::mem::replace(&mut is_reported, true) {
                let phase = format!("waiting for another run in group {}", group.name);
                (self.emit)(EventKind::JobPhase { job: job.job.clone(), phase, uptime_ms: None });
            }
            if context.cancel.wait(Urgency::Polite, PLACE_DELAY) {
                return Ok(None);
            }
        }
    }

    fn run_attempt(&self, attempt: &AttemptLayout, number: u32) -> Result<JobEnd> {
        let Self { context, job, .. } = *self;
        failpoint::checkpoint(Point::NodeBegins)?;
        let guest_host = match &job.executor {
            JobExecutor::VmCommand { .. } => Some(self.guest_host()?),
            JobExecutor::LocalCommand { .. } => None,
        };
        let events = StepEvents::new(job, context.cancel, self.emit);
        let run_env = run_env(job, Some(context.run_id), number, self.needs_status);
        let host_context = HostContext {
            layout: attempt,
            snapshot_dir: context.snapshot_dir,
            inputs: self.inputs.as_ref().map_err(|error| anyhow!("{error:#}"))?,
            repository: context.repository,
            guest_host,
            caches: Some(CacheHost { state: context.state, run_id: context.run_id, limits: context.cache_limits }),
            run_env: &run_env,
            env: context.env,
            local_folder: context.local_folder,
            secrets: context.secrets,
            quota: context.quota,
            cancel: context.cancel,
            on_control: &|line| events.emit(line),
        };
        executor::run(&host_context, job)
    }

    fn guest_host(&self) -> Result<GuestHost<'_>> {
        let runner = self.runner.context("the plan has no Prepare node for the job's runner")?;
        let RunContext { state, accelerator, cancel, .. } = *self.context;
        let programs = self.context.guest_programs()?;
        let launcher =
            self.accelerator.launcher(&programs.hypervisor, accelerator, runner, state, cancel, &|resolved| {
                let (accelerator, reason) = (resolved.accelerator.name().to_owned(), resolved.reason.clone());
                (self.emit)(EventKind::AcceleratorChosen { accelerator, reason });
            })?;
        Ok(GuestHost { launcher, runner, arch: &programs.arch, uid: programs.uid })
    }
}

/// Returns the reason to start no further attempt, if the quota or the disk has no room for its logs.
fn reason_without_disk_space(context: &RunContext<'_>) -> Option<Reason> {
    let (quota, root) = (context.quota, context.state.root());
    if quota.left() < MIN_DISK {
        let (total, left) = (quota.total(), quota.left());
        let message = format!("of the run's disk quota of {total} bytes {left} are left, too few for another attempt");
        return Some(Reason::new(message, DISK_QUOTA_HINT));
    }
    // If the free space can't be read, the first write to that disk fails and is reported.
    let free = free_disk(root).ok().filter(|free| *free < MIN_DISK)?;
    let message = format!("starting an attempt with {free} bytes free in {}: {}", root.display(), Errno::NOSPC);
    Some(Reason::new(message, "pikaci gc, or make room on that disk"))
}

/// Returns the event of an attempt that starts.
pub fn job_started(job: &PlannedJob, layout: &JobLayout, number: u32) -> EventKind {
    let attempt = layout.attempt(number);
    let console = matches!(job.executor, JobExecutor::VmCommand { .. }).then(|| recorded_path(&attempt.console_log()));
    let (host, guest) = (recorded_path(&attempt.host_log()), recorded_path(&attempt.guest_log()));
    EventKind::JobStarted { job: job.job.clone(), attempt: number, logs: LogPaths { host, guest, console } }
}

/// Writes an infrastructure failure to the host log of an attempt, and returns the end of that attempt.
fn infra_failure(job: &JobId, attempt: &AttemptLayout, message: &str) -> JobEnd {
    let line = format!("pikaci: {}", message.replace('\n', " "));
    let is_logged = attempt.root().make_folders().is_ok() && append_line(&attempt.host_log(), &line).is_ok();
    let hint = if is_logged {
        format!("pikaci logs --job {} --kind host", quote(job.as_str()))
    } else {
        "fix the error, then: pikaci run".to_owned()
    };
    JobEnd::without_output(Outcome::Errored, Reason::new(message, hint))
}
