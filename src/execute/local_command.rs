//! A command on the host, in a process group that is killed at its end.

#![expect(clippy::disallowed_methods, reason = "waits and reads the clock")]

use std::collections::BTreeMap;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::attempt_logs::{AttemptLogs, LOG_LIMIT};
use super::vm::KILL_WAIT;
use crate::cancel::{Cancel, Urgency};
use crate::event::{Outcome, Reason};
use crate::failpoint::Point;
use crate::guest::contract::TERM_GRACE;
use crate::process::{
    Child, Group, Invocation, LogLimit, LogStats, WaitEnd, adopt_orphans, join_copy, kill_orphans, pump,
};
use crate::quota::Quota;

/// The shell that resolves the program's name, and prints an error if there is no such program.
const SHELL: &str = "/bin/sh";
/// The environment variable that marks all processes of an attempt.
const MARK: &str = "PIKACI_ATTEMPT";

/// A command to run.
#[derive(Clone, Copy, Debug)]
pub struct LocalCommand<'a> {
    /// The program and its arguments.
    pub argv: &'a [String],
    /// The whole environment of the command.
    pub env: &'a BTreeMap<String, String>,
    /// Value of the marker variable, unique for the attempt.
    pub mark: &'a str,
    /// Working directory.
    pub dir: &'a Path,
    /// Time limit.
    pub timeout: Duration,
    /// Logs of the attempt; the console is unused.
    pub logs: &'a AttemptLogs,
    /// The disk quota of the output.
    pub quota: &'a Quota,
}

/// The end of a command.
#[derive(Clone, Copy, Debug)]
pub struct CommandEnd {
    /// Exit status of the first process.
    pub status: ExitStatus,
    /// The reason for which pikaci stopped the command, if it did.
    pub cause: Option<StopCause>,
    /// Statistics of the output's log.
    pub output: LogStats,
    /// True if a process that left the group still holds the output open.
    pub escaped: bool,
}

/// The reason for which pikaci stopped a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopCause {
    /// The command exceeded its time limit.
    Deadline,
    /// The run was cancelled.
    Cancelled,
}

/// Runs a command to its end. Its process group is gone when this function returns.
///
/// # Errors
/// When the command can't be started or its logs can't be written.
pub fn run(command: &LocalCommand<'_>, cancel: &Cancel) -> Result<CommandEnd> {
    adopt_orphans();
    let group = Group::start_marked(&format!("{MARK}={}", command.mark))?;
    let (output, writer) = io::pipe().context("making the output's pipe")?;
    let output = pump(output, &command.logs.guest, LogLimit { bytes: LOG_LIMIT, quota: command.quota })?;
    let env = command.env.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let env = env.chain([(MARK, command.mark)]);
    let invocation =
        env.fold(invocation(command), |invocation, (name, value)| invocation.env(name, Some(value.as_ref())));
    let child = group.spawn_into(Point::Command, invocation, &command.logs.host, writer)?;
    let (status, cause) = wait(&child, &group, command.timeout, cancel)?;
    group.kill();
    kill_orphans(MARK, command.mark);
    let (output, escaped) = match join_copy(output, Instant::now() + KILL_WAIT) {
        Some(log_stats) => (log_stats.with_context(|| format!("writing {}", command.logs.guest.display()))?, false),
        None => (LogStats::default(), true),
    };
    Ok(CommandEnd { status, cause, output, escaped })
}

/// Waits for the end of a command. A command that is late or cancelled gets SIGTERM, and SIGKILL after a grace.
fn wait(child: &Child, group: &Group, timeout: Duration, cancel: &Cancel) -> Result<(ExitStatus, Option<StopCause>)> {
    let cause = match child.wait_or_cancel(cancel, Urgency::Polite, timeout)? {
        WaitEnd::Exited(status) => return Ok((status, None)),
        WaitEnd::Cancelled => StopCause::Cancelled,
        WaitEnd::TimedOut => StopCause::Deadline,
    };
    group.terminate();
    let status = match child.wait_or_cancel(cancel, Urgency::Kill, TERM_GRACE)? {
        WaitEnd::Exited(status) => status,
        WaitEnd::Cancelled | WaitEnd::TimedOut => {
            group.kill();
            child.wait()?
        }
    };
    Ok((status, Some(cause)))
}

/// Returns the invocation of the command, by way of the shell unless it is the shell itself.
fn invocation(command: &LocalCommand<'_>) -> Invocation {
    let invocation = match command.argv {
        [program, args @ ..] if program == SHELL => Invocation::new(program).args(args),
        argv => Invocation::new(SHELL).args(["-c", r#"exec "$0" "$@""#]).args(argv),
    };
    invocation.dir(command.dir).without_env()
}

/// Returns outcome, exit code and reason of a command.
#[must_use]
pub fn judge_command(end: &CommandEnd, timeout: Duration) -> (Outcome, i32, Reason) {
    let (code, end_message) = match (end.status.code(), end.status.signal()) {
        (Some(code), _) => (code, format!("the command ended with exit code {code}")),
        (None, signal) => {
            let signal = signal.unwrap_or_default();
            (128 + signal, format!("the command was ended by signal {signal}"))
        }
    };
    let message = |text: &str| Reason { message: Some(text.to_owned()), ..Reason::default() };
    match end.cause {
        Some(StopCause::Cancelled) => (Outcome::Cancelled, code, message("the run was cancelled")),
        Some(StopCause::Deadline) => {
            let late = format!("the command didn't end within its timeout of {} s", timeout.as_secs());
            let hint = "raise the job's `timeout` in pikaci.nix, or check in its log where the command got stuck";
            (Outcome::TimedOut, code, Reason::new(late, hint))
        }
        None if end.escaped => {
            let escaped = "a process of the command left its process group and still holds its output open";
            (Outcome::Errored, code, Reason::new(escaped, "make the command wait for all processes that it starts"))
        }
        None if code == 0 => (Outcome::Passed, 0, Reason::default()),
        None => (Outcome::Failed, code, message(&end_message)),
    }
}
