//! Processes: the only place that starts any. Each runs in a group that doesn't outlive pikaci, but for what [`capture`]
//! runs.

#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "this is the room of processes")]

mod group;
mod ignored;
#[cfg_attr(target_os = "macos", path = "orphans_macos.rs")]
mod orphans;

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::os::fd::{OwnedFd, RawFd};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use command_fds::{CommandFdExt as _, FdMapping};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::failpoint::{Point, around};
use crate::guest::quote;
pub use group::{Child, Group};
pub use ignored::ignored_signals;
pub use orphans::{adopt_orphans, kill_orphans};

/// Takes a step that makes a pipe or starts a process while no other does. macOS makes a pipe first and has it closed on
/// exec then: a process that starts in between keeps it open, and with it a group alive that is to end with pikaci.
fn alone<T>(step: impl FnOnce() -> T) -> T {
    static STARTING: Mutex<()> = Mutex::new(());
    let _held = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    step()
}

/// A program to start: what, where and with which files.
#[derive(Debug)]
pub struct Invocation {
    program: PathBuf,
    args: Vec<OsString>,
    env: Vec<(OsString, Option<OsString>)>,
    inherits: bool,
    dir: Option<PathBuf>,
    stdin: Vec<u8>,
    fds: Vec<(OwnedFd, RawFd)>,
}

impl Invocation {
    /// Names the program.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            inherits: true,
            dir: None,
            stdin: Vec::new(),
            fds: Vec::new(),
        }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<S: Into<OsString>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets an environment variable, or removes it.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: Option<&OsStr>) -> Self {
        self.env.push((name.into(), value.map(OsStr::to_owned)));
        self
    }

    /// Keeps what this process has in its environment from it: only what is set is there.
    #[must_use]
    pub fn without_env(mut self) -> Self {
        self.inherits = false;
        self
    }

    /// Sets the folder to start in.
    #[must_use]
    pub fn dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dir = Some(dir.into());
        self
    }

    /// Sets what the process reads from its standard input; nothing else.
    #[must_use]
    pub fn stdin(mut self, bytes: Vec<u8>) -> Self {
        self.stdin = bytes;
        self
    }

    /// Hands over an open file as this file descriptor.
    #[must_use]
    pub fn fd(mut self, file: impl Into<OwnedFd>, number: RawFd) -> Self {
        self.fds.push((file.into(), number));
        self
    }

    fn expression(self, group: Option<Pid>) -> duct::Expression {
        let fds = Mutex::new(self.fds);
        let mut expression = duct::cmd(self.program.into_os_string(), self.args).unchecked();
        expression = if self.stdin.is_empty() { expression.stdin_null() } else { expression.stdin_bytes(self.stdin) };
        if let Some(dir) = self.dir {
            expression = expression.dir(dir);
        }
        if self.inherits {
            for (name, value) in self.env {
                expression = match value {
                    Some(value) => expression.env(name, value),
                    None => expression.env_remove(name),
                };
            }
        } else {
            expression = expression.full_env(self.env.into_iter().filter_map(|(name, value)| Some((name, value?))));
        }
        expression.before_spawn(move |command: &mut Command| {
            command.process_group(group.map_or(0, |pid| pid.as_raw_nonzero().get()));
            let mut fds = fds.lock().map_err(|_| io::Error::other("the files of a process are taken already"))?;
            let mapping = |(parent_fd, child_fd)| FdMapping { parent_fd, child_fd };
            // Without any, nothing is left to do between fork and exec, and the system has a quicker way than those.
            if !fds.is_empty() {
                command.fd_mappings(fds.drain(..).map(mapping).collect()).map_err(io::Error::other)?;
            }
            Ok(())
        })
    }
}

/// The command line, quoted for a shell.
impl fmt::Display for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", quote(&self.program.to_string_lossy()))?;
        for arg in &self.args {
            write!(f, " {}", quote(&arg.to_string_lossy()))?;
        }
        Ok(())
    }
}

/// What a short process printed.
#[derive(Clone, Debug)]
pub struct Captured {
    /// How it ended.
    pub status: ExitStatus,
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error.
    pub stderr: String,
}

/// Runs a short process to its end and returns what it printed; at the deadline it and all it started are killed.
///
/// Unlike a [`Group`] it has no guard, because whoever only plans starts nothing but the program itself: when pikaci is
/// killed, the process goes on to its own end. So this is for programs that only read and soon end.
///
/// # Errors
/// When the program can't be started or doesn't end in time.
pub fn capture(invocation: Invocation, deadline: Duration) -> Result<Captured> {
    let line = invocation.to_string();
    let expression = invocation.expression(None).stdout_capture().stderr_capture();
    let handle = around(Point::Capture, || alone(|| expression.start())).with_context(|| format!("starting {line}"))?;
    let ended = handle.wait_timeout(deadline).with_context(|| format!("waiting for {line}"))?.is_some();
    if !ended {
        for pid in handle.pids().iter().filter_map(|pid| Pid::from_raw(i32::try_from(*pid).ok()?)) {
            kill_process_group(pid, Signal::KILL).ok();
        }
        handle.wait().ok();
        bail!("{line} didn't end within {} s", deadline.as_secs());
    }
    let output = handle.into_output().with_context(|| format!("waiting for {line}"))?;
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    Ok(Captured { status: output.status, stdout: output.stdout, stderr })
}

/// Tells how a process ended, for people.
#[must_use]
pub fn ending(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code @ 129..=192), _) => format!("ended with exit code {code} (128 + signal {})", code - 128),
        (Some(code), _) => format!("ended with exit code {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "ended".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Invocation, capture};

    #[test]
    fn capture_ends_at_the_deadline_with_all_it_started() {
        let error =
            capture(Invocation::new("/bin/sh").args(["-c", "sleep 1000 & sleep 1000"]), Duration::from_millis(200))
                .unwrap_err();
        assert!(error.to_string().contains("didn't end within"), "{error}");
    }
}
