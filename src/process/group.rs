//! Groups of processes that end with pikaci, and what is in them.

#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "this is the room of processes")]

use std::fs::File;
use std::io::{self, PipeWriter};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::Once;
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use super::control_group::{ControlGroup, Limits, delegated_group};
use super::pump::announce;
use super::{Invocation, LogPipe, alone, start};
use crate::failpoint::{Point, around};

/// What the guard runs: it ignores polite signals, waits for the end of the pipe that only pikaci holds open, kills what
/// has a mark in its environment, until nothing has that Linux tells of, and then its own group.
const GUARD: &str = r#"trap '' HUP INT TERM
read -r line
while [ -n "$1" ]; do
  marked=$(grep -lszxF -e "$1" /proc/[0-9]*/environ)
  [ -n "$marked" ] || break
  for process in $marked; do
    process=${process%/environ}
    kill -KILL "${process#/proc/}"
  done
done
kill -KILL 0"#;

/// A group of processes that ends with pikaci, even when pikaci is killed.
#[derive(Debug)]
pub struct Group {
    guard: duct::Handle,
    pgid: Pid,
    killed: Once,
    limits: Option<ControlGroup>,
    _leash: PipeWriter,
}

impl Group {
    /// Starts an empty group: its guard.
    ///
    /// # Errors
    /// When no process can be started.
    pub fn start() -> Result<Self> {
        Self::start_marked("")
    }

    /// Starts an empty group whose guard also kills what has left it: all that has this variable in its environment, as
    /// `NAME=value`. It does so where pikaci is killed; else [`super::kill_orphans`] does.
    ///
    /// # Errors
    /// When no process can be started.
    pub fn start_marked(mark: &str) -> Result<Self> {
        let (reader, leash) = alone(io::pipe).context("making the pipe of a process group's guard")?;
        let guard = duct::cmd("/bin/sh", ["-c", GUARD, "guard", mark])
            .stdin_file(reader)
            .stdout_null()
            .stderr_null()
            .unchecked()
            .before_spawn(|command: &mut Command| {
                command.process_group(0);
                Ok(())
            });
        let guard =
            around(Point::Guard, || alone(|| guard.start())).context("starting the guard of a process group")?;
        let pgid = guard.pids().first().and_then(|pid| Pid::from_raw(i32::try_from(*pid).ok()?));
        let pgid = pgid.context("the guard of a process group has no process id")?;
        Ok(Self { guard, pgid, killed: Once::new(), limits: None, _leash: leash })
    }

    /// Starts an empty group whose processes have limits, where a control group is delegated.
    ///
    /// # Errors
    /// When no process can be started, or a delegated control group refuses the limits.
    pub fn start_limited(limits: Limits) -> Result<Self> {
        let mut group = Self::start()?;
        let make = |parent: PathBuf| ControlGroup::make(&parent, group.number(), limits);
        group.limits = delegated_group().map(make).transpose()?;
        Ok(group)
    }

    /// Starts a process of the group that prints into a log, after its command line.
    ///
    /// # Errors
    /// When the log can't be opened or the program can't be started.
    pub fn spawn(&self, point: Point, invocation: Invocation, log: &LogPipe) -> Result<Child> {
        let writer = log.writer.try_clone().with_context(|| format!("sharing the pipe of {}", log.log.display()))?;
        self.spawn_into(point, invocation, &log.log, writer)
    }

    /// Starts a process of the group whose command line is appended to `log`, and what it prints goes elsewhere.
    ///
    /// # Errors
    /// When the log can't be opened or the program can't be started.
    pub fn spawn_into(&self, point: Point, invocation: Invocation, log: &Path, output: PipeWriter) -> Result<Child> {
        announce(&invocation, log)?;
        self.begin(point, invocation, File::from(OwnedFd::from(output)))
    }

    fn begin(&self, point: Point, invocation: Invocation, output: File) -> Result<Child> {
        let name = invocation.program.display().to_string();
        let copy = output.try_clone().with_context(|| format!("starting {name}"))?;
        let allowed = invocation.allowed.clone();
        let entrance = self.limits.as_ref().map(ControlGroup::entrance).transpose()?;
        let expression =
            invocation.entering(entrance).expression(Some(self.pgid)).stdout_file(output).stderr_file(copy);
        let handle = around(point, || alone(|| start(&expression, allowed.as_ref())))
            .with_context(|| format!("starting {name}"))?;
        Ok(Child { handle, name })
    }

    /// Returns a number that no other group on this machine has at the time.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.pgid.as_raw_nonzero().get().unsigned_abs()
    }

    /// Asks every process of the group to end; its guard stays.
    pub fn terminate(&self) {
        // They may have ended in the meantime.
        kill_process_group(self.pgid, Signal::TERM).ok();
    }

    /// Kills every process of the group and reaps the guard, once: afterwards the number may be another group's.
    pub fn kill(&self) {
        self.killed.call_once(|| {
            // The group is gone only when its guard is, and then there is nothing left to kill.
            kill_process_group(self.pgid, Signal::KILL).ok();
            self.guard.wait().ok();
        });
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Group, Invocation, LogPipe};
    use crate::failpoint::Point;
    use crate::process::Limit;
    use crate::quota::Quota;

    fn sh(script: &str) -> Invocation {
        Invocation::new("/bin/sh").args(["-c", script])
    }

    #[test]
    fn a_group_ends_with_its_grandchildren() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let group = Group::start().unwrap();
        let (pipe, _) = LogPipe::open(&log, Limit { bytes: 1000, quota: &Quota::unlimited() }).unwrap();
        let child = group.spawn(Point::Command, sh("sleep 1000 & echo $!; wait"), &pipe).unwrap();
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
