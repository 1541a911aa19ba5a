//! The steps of a job without a guest.

#![expect(clippy::disallowed_methods, reason = "reads the clock")]

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::attempt_logs::LOG_LIMIT;
use super::job_progress::JobProgress;
use super::local_command::{LocalCommand, StopCause, run as run_command};
use super::local_services::ServiceHost;
use crate::guest::{CommandEnd, ControlLine};
use crate::plan::record::PlannedJob;
use crate::process::{LogRules, LogStats};

/// Exit code of a step that exceeded its timeout and nevertheless ended with a success, as timeout(1) has it.
const LATE: CommandEnd = CommandEnd::Exit(124);

/// The end of the steps of a job.
pub(super) struct StepsEnd {
    /// The end of the first step that didn't pass, or of the last one.
    pub(super) end: CommandEnd,
    /// The step that didn't pass, and timeouts.
    pub(super) progress: JobProgress,
    /// True if the run was cancelled.
    pub(super) cancelled: bool,
    /// True if a process that left the group of its step still holds the output open.
    pub(super) escaped: bool,
    /// Statistics of the log.
    pub(super) output: LogStats,
}

impl Default for StepsEnd {
    fn default() -> Self {
        let (progress, output) = (JobProgress::default(), LogStats::default());
        Self { end: CommandEnd::Exit(0), progress, cancelled: false, escaped: false, output }
    }
}

/// Runs the steps of a job whose conditions hold, one after the other.
///
/// # Errors
/// When a command can't be started or its log can't be written.
pub(super) fn run_steps(host: &ServiceHost<'_>, job: &PlannedJob, log: &Path) -> Result<StepsEnd> {
    let mut all = StepsEnd::default();
    for (number, step) in (0_u8..).zip(job.all_steps()) {
        let is_stopped = all.cancelled || all.escaped || all.progress.deadline || all.progress.stalled;
        if is_stopped || !step.when.holds(all.end == CommandEnd::Exit(0)) {
            continue;
        }
        (host.on_control)(&ControlLine::Step(number));
        let rest = host.deadline.saturating_duration_since(Instant::now());
        let own = step.timeout_secs.map(Duration::from_secs).filter(|own| *own < rest);
        let command = LocalCommand {
            argv: &step.command,
            env: host.env,
            mark: &format!("{}/step", host.mark),
            dir: host.dir,
            timeout: own.unwrap_or(rest),
            stall: job.stall_secs.map(Duration::from_secs),
            host_log: host.host_log,
            output_log: log,
            rules: LogRules { bytes: LOG_LIMIT - all.output.kept, quota: host.quota, masks: host.masks, offsets: None },
        };
        let local = run_command(&command, host.cancel)?;
        let is_late = local.cause == Some(StopCause::Deadline) && own.is_some();
        match local.cause {
            Some(StopCause::Cancelled) => all.cancelled = true,
            Some(StopCause::Stalled) => {
                all.progress.stalled = true;
                (host.on_control)(&ControlLine::Stalled);
            }
            Some(StopCause::Deadline) if is_late => (host.on_control)(&ControlLine::StepDeadline(number)),
            Some(StopCause::Deadline) => {
                all.progress.deadline = true;
                (host.on_control)(&ControlLine::Deadline);
            }
            None => {}
        }
        all.escaped |= local.escaped && local.cause.is_none();
        all.output.received += local.output.received;
        all.output.kept += local.output.kept;
        all.output.over_limit |= local.output.over_limit;
        let end = match local.command_end() {
            CommandEnd::Exit(0) if is_late => LATE,
            end => end,
        };
        (host.on_control)(&ControlLine::StepEnd { step: number, end, output: all.output.kept });
        if end != CommandEnd::Exit(0) && all.end == CommandEnd::Exit(0) {
            all.end = end;
            all.progress.failed_step = Some((number, end, is_late));
        }
    }
    Ok(all)
}
