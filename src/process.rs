//! Processes: the only place that starts any. Each runs in a group that doesn't outlive pikaci.

#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "this is the room of processes")]

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, PipeWriter};
use std::os::fd::{OwnedFd, RawFd};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use command_fds::{CommandFdExt as _, FdMapping};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::guest::quote;

/// What the guard runs: it ignores polite signals, waits for the end of the pipe that only pikaci holds open, and then
/// kills its own group.
const GUARD: &str = "trap '' HUP INT TERM; read -r line; kill -KILL 0";

/// A program to start: what, where and with which files.
#[derive(Debug)]
pub struct Invocation {
    program: PathBuf,
    args: Vec<OsString>,
    env: Vec<(OsString, Option<OsString>)>,
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
        for (name, value) in self.env {
            expression = match value {
                Some(value) => expression.env(name, value),
                None => expression.env_remove(name),
            };
        }
        expression.before_spawn(move |command: &mut Command| {
            command.process_group(group.map_or(0, |pid| pid.as_raw_nonzero().get()));
            let mut fds = fds.lock().map_err(|_| io::Error::other("the files of a process are taken already"))?;
            let mapping = |(parent_fd, child_fd)| FdMapping { parent_fd, child_fd };
            command.fd_mappings(fds.drain(..).map(mapping).collect()).map_err(io::Error::other)?;
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

/// A group of processes that ends with pikaci, even when pikaci is killed.
#[derive(Debug)]
pub struct Group {
    guard: duct::Handle,
    pgid: Pid,
    _leash: PipeWriter,
}

impl Group {
    /// Starts an empty group: its guard.
    ///
    /// # Errors
    /// When no process can be started.
    pub fn start() -> Result<Self> {
        let (reader, leash) = io::pipe().context("making the pipe of a process group's guard")?;
        let guard = duct::cmd("/bin/sh", ["-c", GUARD])
            .stdin_file(reader)
            .stdout_null()
            .stderr_null()
            .unchecked()
            .before_spawn(|command: &mut Command| {
                command.process_group(0);
                Ok(())
            })
            .start()
            .context("starting the guard of a process group")?;
        let pgid = guard.pids().first().and_then(|pid| Pid::from_raw(i32::try_from(*pid).ok()?));
        let pgid = pgid.context("the guard of a process group has no process id")?;
        Ok(Self { guard, pgid, _leash: leash })
    }

    /// Starts a process of the group; what it prints is appended to `log`, after its command line.
    ///
    /// # Errors
    /// When the log can't be opened or the program can't be started.
    pub fn spawn(&self, invocation: Invocation, log: &Path) -> Result<Child> {
        use io::Write as _;
        let name = invocation.program.display().to_string();
        let mut file = OpenOptions::new().create(true).append(true).open(log);
        let file = file.as_mut().map_err(|error| anyhow::anyhow!("opening {}: {error}", log.display()))?;
        writeln!(file, "$ {invocation}").with_context(|| format!("writing {}", log.display()))?;
        let copy = || file.try_clone().with_context(|| format!("opening {}", log.display()));
        let expression = invocation.expression(Some(self.pgid)).stdout_file(copy()?).stderr_file(copy()?);
        let handle = expression.start().with_context(|| format!("starting {name}"))?;
        Ok(Child { handle, name })
    }

    /// Kills every process of the group and reaps the guard.
    pub fn kill(&self) {
        // The group is gone only when its guard is, and then there is nothing left to kill.
        kill_process_group(self.pgid, Signal::KILL).ok();
        self.guard.wait().ok();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A process that was started.
#[derive(Debug)]
pub struct Child {
    handle: duct::Handle,
    name: String,
}

impl Child {
    /// Returns the program's path.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Waits for the end of the process.
    ///
    /// # Errors
    /// When waiting fails.
    pub fn wait(&self) -> Result<ExitStatus> {
        Ok(self.handle.wait().with_context(|| format!("waiting for {}", self.name))?.status)
    }

    /// Waits for the end of the process, but not longer than this.
    ///
    /// # Errors
    /// When waiting fails.
    pub fn wait_timeout(&self, timeout: Duration) -> Result<Option<ExitStatus>> {
        let output = self.handle.wait_timeout(timeout).with_context(|| format!("waiting for {}", self.name))?;
        Ok(output.map(|output| output.status))
    }

    /// Asks the process to end.
    pub fn terminate(&self) {
        let pids = self.handle.pids();
        for pid in pids.iter().filter_map(|pid| Pid::from_raw(i32::try_from(*pid).ok()?)) {
            // It may have ended in the meantime.
            kill_process(pid, Signal::TERM).ok();
        }
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
/// # Errors
/// When the program can't be started or doesn't end in time.
pub fn capture(invocation: Invocation, deadline: Duration) -> Result<Captured> {
    let line = invocation.to_string();
    let handle = invocation
        .expression(None)
        .stdout_capture()
        .stderr_capture()
        .start()
        .with_context(|| format!("starting {line}"))?;
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

    use super::{Group, Invocation, capture};

    fn sh(script: &str) -> Invocation {
        Invocation::new("/bin/sh").args(["-c", script])
    }

    #[test]
    fn capture_ends_at_the_deadline_with_all_it_started() {
        let error = capture(sh("sleep 1000 & sleep 1000"), Duration::from_millis(200)).unwrap_err();
        assert!(error.to_string().contains("didn't end within"), "{error}");
    }

    #[test]
    fn a_group_ends_with_its_grandchildren() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let group = Group::start().unwrap();
        let child = group.spawn(sh("sleep 1000 & echo $!; wait"), &log).unwrap();
        let pid = loop {
            let text = std::fs::read_to_string(&log).unwrap();
            if let Some(pid) = text.lines().nth(1) {
                break pid.trim().to_owned();
            }
            assert!(child.wait_timeout(Duration::from_millis(10)).unwrap().is_none());
        };
        group.kill();
        assert!(child.wait().unwrap().code().is_none());
        let gone = || std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "));
        for _ in 0..100 {
            if !gone() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("process {pid} is still there");
    }
}
