//! Services of a job without a guest.

#![expect(clippy::disallowed_methods, reason = "waits, reads the clock and logs")]

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use rustix::fs::{Mode, OFlags};

use super::local_command::{LocalCommand, MARK, command_end, invocation, run as run_command};
use super::vm::KILL_WAIT;
use crate::cancel::{Cancel, Urgency};
use crate::failpoint::Point;
use crate::foreign::Beneath;
use crate::guest::contract::{SERVICE_LOG_BYTES, TERM_GRACE};
use crate::guest::{CommandEnd, ControlLine};
use crate::plan::record::{PlannedJob, PlannedService};
use crate::process::{Child, CopyThread, Group, LogRules, append_pump, join_copy, kill_orphans};
use crate::quota::Quota;
use crate::secret::Masks;

/// Time between two checks of a service that isn't ready.
const CHECK_DELAY: Duration = Duration::from_millis(200);

/// The surroundings that the services of a job have in common.
#[derive(Clone, Copy)]
pub(super) struct ServiceHost<'a> {
    /// The environment of the job.
    pub(super) env: &'a BTreeMap<String, String>,
    /// The working directory.
    pub(super) dir: &'a Path,
    /// Folder for the logs.
    pub(super) folder: &'a Path,
    /// Log of the command lines.
    pub(super) host_log: &'a Path,
    /// Value of the marker variable of the job; each service has a suffix of its own.
    pub(super) mark: &'a str,
    /// The disk quota of the output.
    pub(super) quota: &'a Quota,
    /// Masks of the secrets of the run.
    pub(super) masks: &'a Masks,
    /// The cancel request.
    pub(super) cancel: &'a Cancel,
    /// Time at which the job exceeds its timeout.
    pub(super) deadline: Instant,
    /// Receives the control lines of the services.
    pub(super) on_control: &'a dyn Fn(&ControlLine),
}

/// The running services of a job. Dropping this value kills them.
#[derive(Default)]
pub(super) struct LocalServices {
    running: Vec<RunningService>,
}

struct RunningService {
    group: Group,
    child: Child,
    output: CopyThread,
    log: Beneath,
    mark: String,
}

impl LocalServices {
    /// Starts the services of a job one after the other, each when the one before it is ready. Returns the service that
    /// doesn't become ready, with its end unless it is late.
    pub(super) fn start(
        &mut self,
        host: &ServiceHost<'_>,
        job: &PlannedJob,
    ) -> Result<Option<(u8, Option<CommandEnd>)>> {
        for (number, service) in (0_u8..).zip(&job.services) {
            let mut env = host.env.clone();
            env.extend(service.env.clone());
            let running = start(host, service, number, &env)?;
            let ready = wait_until_ready(host, service, &running, &env)?;
            self.running.push(running);
            match ready {
                Readiness::Ready => (host.on_control)(&ControlLine::ServiceReady(number)),
                Readiness::Late => {
                    (host.on_control)(&ControlLine::ServiceLate(number));
                    return Ok(Some((number, None)));
                }
                Readiness::Ended(end) => {
                    (host.on_control)(&ControlLine::ServiceEnd { service: number, end });
                    return Ok(Some((number, Some(end))));
                }
                Readiness::Stopped => return Ok(None),
            }
        }
        Ok(None)
    }

    /// Ends all services, and appends their logs to the log of the job, which has `output` bytes. Returns the services
    /// that had ended before.
    pub(super) fn end(
        self,
        host: &ServiceHost<'_>,
        job_log: &Beneath,
        mut output: u64,
    ) -> Result<Vec<(u8, CommandEnd)>> {
        let mut ended = Vec::new();
        for (number, service) in (0_u8..).zip(&self.running) {
            match service.child.wait_timeout(Duration::ZERO)? {
                Some(status) => ended.push((number, command_end(status))),
                None => service.group.terminate(),
            }
        }
        let end = Instant::now() + TERM_GRACE;
        let log = job_log.open_regular(OFlags::WRONLY | OFlags::APPEND, Mode::empty());
        let mut log = log.context("opening the job's log")?;
        for (number, service) in (0_u8..).zip(self.running) {
            service.child.wait_timeout(end.saturating_duration_since(Instant::now()))?;
            service.group.kill();
            kill_orphans(MARK, &service.mark);
            // The log of a service whose output a lost process holds open is kept as far as it is there.
            drop(join_copy(service.output, Instant::now() + KILL_WAIT));
            let mut part = service.log.open().context("opening the log of a service")?;
            output += io::copy(&mut part, &mut log).context("copying the log of a service")?;
            (host.on_control)(&ControlLine::ServiceLog { service: number, output });
        }
        Ok(ended)
    }
}

enum Readiness {
    Ready,
    Late,
    Ended(CommandEnd),
    /// The job was cancelled or exceeded its timeout.
    Stopped,
}

fn start(
    host: &ServiceHost<'_>,
    service: &PlannedService,
    number: u8,
    env: &BTreeMap<String, String>,
) -> Result<RunningService> {
    let mark = format!("{}/service-{number}", host.mark);
    let log = Beneath::new(host.folder).join(format!("service-{number}.log"));
    let group = Group::start_marked(&format!("{MARK}={mark}"))?;
    let (output, writer) = io::pipe().context("making the output's pipe")?;
    let output = append_pump(output, &log, rules(host))?;
    let command = command(host, &service.command, env, &mark, &log);
    let child = group.spawn_into(Point::Command, invocation(&command), host.host_log, writer)?;
    Ok(RunningService { group, child, output, log, mark })
}

/// Repeats the check of a service until it succeeds.
fn wait_until_ready(
    host: &ServiceHost<'_>,
    service: &PlannedService,
    running: &RunningService,
    env: &BTreeMap<String, String>,
) -> Result<Readiness> {
    let Some(ready) = &service.ready else { return Ok(Readiness::Ready) };
    let late = Instant::now() + Duration::from_secs(service.timeout_secs);
    let mark = format!("{}/check", running.mark);
    loop {
        let now = Instant::now();
        if now >= host.deadline || host.cancel.urgency() > Urgency::None {
            return Ok(Readiness::Stopped);
        } else if now >= late {
            return Ok(Readiness::Late);
        }
        let timeout = late.min(host.deadline) - now;
        let check = LocalCommand { timeout, ..command(host, ready, env, &mark, &running.log) };
        let end = run_command(&check, host.cancel)?;
        if end.cause.is_none() && end.status.success() {
            return Ok(Readiness::Ready);
        }
        if let Some(status) = running.child.wait_timeout(Duration::ZERO)? {
            return Ok(Readiness::Ended(command_end(status)));
        }
        host.cancel.wait(Urgency::Polite, CHECK_DELAY);
    }
}

fn command<'a>(
    host: &'a ServiceHost<'_>,
    argv: &'a [String],
    env: &'a BTreeMap<String, String>,
    mark: &'a str,
    log: &'a Path,
) -> LocalCommand<'a> {
    let timeout = Duration::MAX;
    LocalCommand {
        argv,
        env,
        mark,
        dir: host.dir,
        timeout,
        stall: None,
        host_log: host.host_log,
        output_log: log,
        rules: rules(host),
    }
}

fn rules<'a>(host: &'a ServiceHost<'_>) -> LogRules<'a> {
    LogRules { bytes: SERVICE_LOG_BYTES, quota: host.quota, masks: host.masks, offsets: None }
}
