//! Processes: the only place that starts any. Each runs in a group that doesn't outlive pikaci, but for what [`capture`]
//! runs.

#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "this is the room of processes")]

mod group;
mod ignored;
mod inherited;
#[cfg_attr(target_os = "macos", path = "landlock_macos.rs")]
mod landlock;
#[cfg_attr(target_os = "macos", path = "orphans_macos.rs")]
mod orphans;
mod pump;

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::os::fd::{OwnedFd, RawFd};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use command_fds::{CommandFdExt as _, FdMapping};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::failpoint::{Point, around};
use crate::guest::quote;
pub use group::{Child, Group};
pub use ignored::ignored_signals;
pub use inherited::close_inherited_on_exec;
pub use landlock::has_landlock;
pub use orphans::{adopt_orphans, kill_orphans};
pub use pump::{Copying, Limit, LogPipe, Pumped, join, pump};

/// Takes a step that makes a pipe or starts a process while no other does. macOS makes a pipe first and has it closed on
/// exec then: a process that starts in between keeps it open, and with it a group alive that is to end with pikaci.
fn alone<T>(step: impl FnOnce() -> T) -> T {
    static STARTING: Mutex<()> = Mutex::new(());
    let _held = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    step()
}

/// A shell script that sets its own score for the kernel's out-of-memory killer and becomes the program; children inherit
/// the score. Where the score can't be set, the program starts without it.
const ADJUST_OOM_SCORE: &str = r#"{ echo "$1" >/proc/self/oom_score_adj; } 2>/dev/null
shift
exec "$@""#;

/// The files of this host that a process may use, and those in and below them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    /// Those that it may read and run.
    pub read: Vec<PathBuf>,
    /// Those that it may read and write.
    pub write: Vec<PathBuf>,
    /// True if it may use TCP.
    pub network: bool,
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
    user: Option<(u32, u32)>,
    oom_score_adj: Option<u16>,
    allowed: Option<Allowed>,
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
            user: None,
            oom_score_adj: None,
            allowed: None,
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

    /// Sets the user and the group to run as, without any other group; only root can.
    #[must_use]
    pub fn user(mut self, user: Option<(u32, u32)>) -> Self {
        self.user = user;
        self
    }

    /// Raises the chance that the kernel ends the process, and what it starts, when memory runs out: up to 1000.
    #[must_use]
    pub fn oom_score_adj(mut self, score: u16) -> Self {
        self.oom_score_adj = Some(score);
        self
    }

    /// Keeps the process, and what it starts, from all files of this host but these, by Landlock.
    #[must_use]
    pub fn landlock(mut self, allowed: Allowed) -> Self {
        self.allowed = Some(allowed);
        self
    }

    /// Starts the program through [`ADJUST_OOM_SCORE`] if a score is set.
    fn adjusted(mut self) -> Self {
        if let Some(score) = self.oom_score_adj.take() {
            let words = ["-c", ADJUST_OOM_SCORE, "adjust", &score.to_string()].map(OsString::from);
            self.args = words.into_iter().chain([self.program.into_os_string()]).chain(self.args).collect();
            self.program = PathBuf::from("/bin/sh");
        }
        self
    }

    fn expression(self, group: Option<Pid>) -> duct::Expression {
        let this = self.adjusted();
        let (fds, user) = (Mutex::new(this.fds), this.user);
        let mut expression = duct::cmd(this.program.into_os_string(), this.args).unchecked();
        expression = if this.stdin.is_empty() { expression.stdin_null() } else { expression.stdin_bytes(this.stdin) };
        if let Some(dir) = this.dir {
            expression = expression.dir(dir);
        }
        if this.inherits {
            for (name, value) in this.env {
                expression = match value {
                    Some(value) => expression.env(name, value),
                    None => expression.env_remove(name),
                };
            }
        } else {
            expression = expression.full_env(this.env.into_iter().filter_map(|(name, value)| Some((name, value?))));
        }
        expression.before_spawn(move |command: &mut Command| {
            command.process_group(group.map_or(0, |pid| pid.as_raw_nonzero().get()));
            if let Some((user, group)) = user {
                command.uid(user).gid(group);
            }
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

/// Starts a process; a confined one on a thread of its own, because Landlock confines the thread too.
fn start(expression: &duct::Expression, allowed: Option<&Allowed>) -> Result<duct::Handle> {
    let Some(allowed) = allowed else { return Ok(expression.start()?) };
    let confined = || landlock::confine_thread(allowed).and_then(|()| Ok(expression.start()?));
    std::thread::scope(|scope| scope.spawn(confined).join()).map_err(|_| anyhow!("a thread panicked"))?
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

    #[test]
    fn a_process_has_the_score_that_it_is_given_and_its_line_says_nothing_of_it() {
        let read = || Invocation::new("/bin/cat").args(["/proc/self/oom_score_adj"]).without_env().oom_score_adj(987);
        assert_eq!(read().to_string(), "/bin/cat /proc/self/oom_score_adj");
        assert_eq!(capture(read(), Duration::from_secs(10)).unwrap().stdout, b"987\n");
    }
}
