//! A command on the host, in a process group that is killed at its end.

#![expect(clippy::disallowed_methods, reason = "waits, reads the clock and the length of a log")]

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::vm::KILL_WAIT;
use crate::cancel::{Cancel, Urgency};
use crate::failpoint::Point;
use crate::guest::CommandEnd;
use crate::guest::contract::TERM_GRACE;
use crate::process::{
    Child, Group, Invocation, LogRules, LogStats, WaitEnd, adopt_orphans, append_pump, join_copy, kill_orphans,
};

/// The shell that resolves the program's name, and prints an error if there is no such program.
const SHELL: &str = "/bin/sh";
/// The environment variable that marks all processes of an attempt.
pub(super) const MARK: &str = "PIKACI_PROCESS_MARK";

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
    /// Time without output after which the command is stopped.
    pub stall: Option<Duration>,
    /// Log of the command line.
    pub host_log: &'a Path,
    /// Log of the output, to which the command's is appended.
    pub output_log: &'a Path,
    /// Rules of the output's log.
    pub rules: LogRules<'a>,
}

/// Time between two looks at the output of a command that may stall.
const STALL_TURN: Duration = Duration::from_secs(1);

/// The end of a command.
#[derive(Clone, Copy, Debug)]
pub struct LocalEnd {
    /// Exit status of the first process.
    pub status: ExitStatus,
    /// The reason for which pikaci stopped the command, if it did.
    pub cause: Option<StopCause>,
    /// Statistics of the output's log.
    pub output: LogStats,
    /// True if a process that left the group still holds the output open.
    pub escaped: bool,
}

impl LocalEnd {
    /// Returns the end of the first process.
    #[must_use]
    pub fn command_end(&self) -> CommandEnd {
        command_end(self.status)
    }
}

/// Returns an exit status as the end of a command.
#[must_use]
pub fn command_end(status: ExitStatus) -> CommandEnd {
    match (status.code(), status.signal()) {
        (Some(code), _) => CommandEnd::Exit(u8::try_from(code).unwrap_or(u8::MAX)),
        (None, signal) => CommandEnd::Signal(signal.and_then(|signal| u8::try_from(signal).ok()).unwrap_or_default()),
    }
}

/// The reason for which pikaci stopped a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopCause {
    /// The command exceeded its time limit.
    Deadline,
    /// The command printed nothing for too long.
    Stalled,
    /// The run was cancelled.
    Cancelled,
}

/// Runs a command to its end. Its process group is gone when this function returns.
///
/// # Errors
/// When the command can't be started or its logs can't be written.
pub fn run(command: &LocalCommand<'_>, cancel: &Cancel) -> Result<LocalEnd> {
    adopt_orphans();
    let group = Group::start_marked(&format!("{MARK}={}", command.mark))?;
    let (output, writer) = io::pipe().context("making the output's pipe")?;
    let output = append_pump(output, command.output_log, command.rules)?;
    let child = group.spawn_into(Point::Command, invocation(command), command.host_log, writer)?;
    let (status, cause) = wait(&child, &group, command, cancel)?;
    group.kill();
    kill_orphans(MARK, command.mark);
    let (output, escaped) = match join_copy(output, Instant::now() + KILL_WAIT) {
        Some(log_stats) => (log_stats.with_context(|| format!("writing {}", command.output_log.display()))?, false),
        None => (LogStats::default(), true),
    };
    Ok(LocalEnd { status, cause, output, escaped })
}

/// Waits for the end of a command. A command that is late, stalled or cancelled gets SIGTERM, and SIGKILL after a grace.
fn wait(
    child: &Child,
    group: &Group,
    command: &LocalCommand<'_>,
    cancel: &Cancel,
) -> Result<(ExitStatus, Option<StopCause>)> {
    let end = Instant::now() + command.timeout;
    let mut output = OutputWatch::new(command);
    let cause = loop {
        let rest = end.saturating_duration_since(Instant::now());
        let turn = if command.stall.is_some() { rest.min(STALL_TURN) } else { rest };
        match child.wait_or_cancel(cancel, Urgency::Polite, turn)? {
            WaitEnd::Exited(status) => return Ok((status, None)),
            WaitEnd::Cancelled => break StopCause::Cancelled,
            WaitEnd::TimedOut if turn == rest => break StopCause::Deadline,
            WaitEnd::TimedOut if output.has_stalled() => break StopCause::Stalled,
            WaitEnd::TimedOut => {}
        }
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

/// A watch for output of a command.
struct OutputWatch<'a> {
    command: &'a LocalCommand<'a>,
    length: u64,
    since: Instant,
}

impl<'a> OutputWatch<'a> {
    fn new(command: &'a LocalCommand<'a>) -> Self {
        Self { command, length: 0, since: Instant::now() }
    }

    /// Returns whether the command printed nothing for too long. A full log doesn't show whether it prints.
    fn has_stalled(&mut self) -> bool {
        let length = fs::metadata(self.command.output_log).map_or(0, |log| log.len());
        if length != self.length || length >= self.command.rules.bytes {
            (self.length, self.since) = (length, Instant::now());
        }
        self.command.stall.is_some_and(|stall| self.since.elapsed() >= stall)
    }
}

/// Returns the invocation of a command, by way of the shell unless it is the shell itself.
pub(super) fn invocation(command: &LocalCommand<'_>) -> Invocation {
    let invocation = match command.argv {
        [program, args @ ..] if program == SHELL => Invocation::new(program).args(args),
        argv => Invocation::new(SHELL).args(["-c", r#"exec "$0" "$@""#]).args(argv),
    };
    let env = command.env.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let env = env.chain([(MARK, command.mark)]);
    let invocation = invocation.dir(command.dir).without_env();
    env.fold(invocation, |invocation, (name, value)| invocation.env(name, Some(value.as_ref())))
}
