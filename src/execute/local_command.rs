//! A command on the host itself, in a group of processes that ends with it.

#![expect(clippy::disallowed_methods, reason = "waits and reads the clock")]

use std::collections::BTreeMap;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::vm::DEATH;
use super::vm_spec::{AttemptLogs, LOG_LIMIT};
use crate::cancel::{Cancel, Urgency};
use crate::event::Reason;
use crate::failpoint::Point;
use crate::process::{Group, Invocation, Limit, Pumped, adopt_orphans, join, kill_orphans, pump};
use crate::quota::Quota;
use crate::record::Outcome;

/// What finds a program by its name, and says it where there is none.
const SHELL: &str = "/bin/sh";
/// The variable by which all processes of an attempt are known.
const MARK: &str = "PIKACI_ATTEMPT";
/// How long the waiting for the command lasts before the clock and the request to end are looked at.
const TICK: Duration = Duration::from_millis(50);
/// How long a command that was asked to end may take, as the agent of a guest has it.
const GRACE: Duration = Duration::from_secs(5);

/// A command to run.
#[derive(Clone, Copy, Debug)]
pub struct LocalCommand<'a> {
    /// The program and its arguments.
    pub argv: &'a [String],
    /// All of its environment.
    pub env: &'a BTreeMap<String, String>,
    /// What no other command has: its processes are known by it.
    pub mark: &'a str,
    /// The folder it starts in.
    pub dir: &'a Path,
    /// How long it may take.
    pub timeout: Duration,
    /// Where its logs go; it has no console.
    pub logs: &'a AttemptLogs,
    /// The disk budget that its output uses up.
    pub quota: &'a Quota,
}

/// How a command ended.
#[derive(Clone, Copy, Debug)]
pub struct CommandEnd {
    /// How its first process did.
    pub status: ExitStatus,
    /// Why it was ended, if it was.
    pub cause: Option<Cause>,
    /// What its output's log took in.
    pub output: Pumped,
    /// Whether a process that left the group still holds the output open.
    pub escaped: bool,
}

/// Why a command was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Its time was up.
    Deadline,
    /// The run was asked to end.
    Cancelled,
}

/// Runs a command to its end; when this returns, its group is gone.
///
/// # Errors
/// When it can't be started or its logs can't be written.
pub fn run(command: &LocalCommand<'_>, cancel: &Cancel) -> Result<CommandEnd> {
    adopt_orphans();
    let group = Group::start_marked(&format!("{MARK}={}", command.mark))?;
    let (output, writer) = io::pipe().context("making the output's pipe")?;
    let output = pump(output, &command.logs.guest, Limit { bytes: LOG_LIMIT, quota: command.quota })?;
    let env = command.env.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let env = env.chain([(MARK, command.mark)]);
    let invocation =
        env.fold(invocation(command), |invocation, (name, value)| invocation.env(name, Some(value.as_ref())));
    let child = group.spawn_into(Point::Command, invocation, &command.logs.host, writer)?;
    let began = Instant::now();
    let mut asked: Option<(Cause, Instant)> = None;
    let status = loop {
        if let Some(status) = child.wait_timeout(TICK)? {
            break status;
        }
        let urgency = cancel.urgency();
        if asked.is_some_and(|(_, at)| at.elapsed() > GRACE) || urgency == Urgency::Now {
            asked = asked.or(Some((Cause::Cancelled, Instant::now())));
            group.kill();
        } else if asked.is_none() {
            let is_late = || (began.elapsed() > command.timeout).then_some(Cause::Deadline);
            let cause = (urgency == Urgency::Polite).then_some(Cause::Cancelled).or_else(is_late);
            if let Some(cause) = cause {
                asked = Some((cause, Instant::now()));
                group.terminate();
            }
        }
    };
    group.kill();
    kill_orphans(MARK, command.mark);
    let (output, escaped) = match join(output, Instant::now() + DEATH) {
        Some(pumped) => (pumped.with_context(|| format!("writing {}", command.logs.guest.display()))?, false),
        None => (Pumped::default(), true),
    };
    Ok(CommandEnd { status, cause: asked.map(|(cause, _)| cause), output, escaped })
}

fn invocation(command: &LocalCommand<'_>) -> Invocation {
    let invocation = match command.argv {
        [program, args @ ..] if program == SHELL => Invocation::new(program).args(args),
        argv => Invocation::new(SHELL).args(["-c", r#"exec "$0" "$@""#]).args(argv),
    };
    invocation.dir(command.dir).without_env()
}

/// Judges a command that has ended.
#[must_use]
pub fn judge(ended: &CommandEnd, timeout: Duration) -> (Outcome, i32, Reason) {
    let (code, said) = match (ended.status.code(), ended.status.signal()) {
        (Some(code), _) => (code, format!("the command ended with exit code {code}")),
        (None, signal) => {
            let signal = signal.unwrap_or_default();
            (128 + signal, format!("the command was ended by signal {signal}"))
        }
    };
    let message = |text: &str| Reason { message: Some(text.to_owned()), ..Reason::default() };
    match ended.cause {
        Some(Cause::Cancelled) => (Outcome::Cancelled, code, message("the run was cancelled")),
        Some(Cause::Deadline) => {
            let said = format!("the command didn't end within its timeout of {} s", timeout.as_secs());
            let hint = "raise the job's `timeout` in pikaci.nix, or find out in its log what it waited for";
            (Outcome::TimedOut, code, Reason::new(said, hint))
        }
        None if ended.escaped => {
            let said = "a process that the command started left its process group and still holds its output open";
            (Outcome::Errored, code, Reason::new(said, "have the command wait for what it starts"))
        }
        None if code == 0 => (Outcome::Passed, 0, Reason::default()),
        None => (Outcome::Failed, code, message(&said)),
    }
}
