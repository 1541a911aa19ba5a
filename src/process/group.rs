//! Groups of processes that end with pikaci.

#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "starts processes and makes pipes")]

use std::fs::File;
use std::io::{self, PipeWriter};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Once};

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, kill_process_group};

use super::control_group::{ControlGroup, Limits, delegated_group};
use super::hidden_variables::hidden_variables;
use super::log_pipe::write_command_line;
use super::start::{start, with_start_lock};
use super::{Child, Invocation, LogPipe};
use crate::failpoint::{Point, run_step};

/// Script of the guard. It ignores polite signals and waits for the end of a pipe that only pikaci holds open. Then it
/// kills every process with the mark in its environment, until `/proc` lists none, and at last its own group.
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

/// Group of processes that ends with pikaci, even when pikaci is killed.
#[derive(Debug)]
pub struct Group {
    guard: duct::Handle,
    pgid: Pid,
    killed: Once,
    limits: Option<ControlGroup>,
    _leash: PipeWriter,
}

impl Group {
    /// Starts the guard of an empty group.
    ///
    /// # Errors
    /// When no process can be started.
    pub fn start() -> Result<Self> {
        Self::start_marked("")
    }

    /// Starts the guard of an empty group. When pikaci is killed, the guard also kills processes that left the group
    /// but have the mark, `NAME=value`, in their environment. Otherwise [`super::kill_orphans`] kills them.
    ///
    /// # Errors
    /// When no process can be started.
    pub fn start_marked(mark: &str) -> Result<Self> {
        let (reader, leash) = with_start_lock(io::pipe).context("making the pipe of a process group's guard")?;
        let guard = duct::cmd("/bin/sh", ["-c", GUARD, "guard", mark])
            .stdin_file(reader)
            .stdout_null()
            .stderr_null()
            .unchecked();
        let guard = hidden_variables().into_iter().fold(guard, |guard, name| guard.env_remove(name));
        let guard = guard.before_spawn(|command: &mut Command| {
            command.process_group(0);
            Ok(())
        });
        let guard = run_step(Point::Guard, || with_start_lock(|| guard.start()))
            .context("starting the guard of a process group")?;
        let pgid = guard.pids().first().and_then(|pid| Pid::from_raw(i32::try_from(*pid).ok()?));
        let pgid = pgid.context("the guard of a process group has no process id")?;
        Ok(Self { guard, pgid, killed: Once::new(), limits: None, _leash: leash })
    }

    /// Starts the guard of an empty group; its processes have limits if a control group is delegated to pikaci.
    ///
    /// # Errors
    /// When no process can be started, or a delegated control group refuses the limits.
    pub fn start_limited(limits: Limits) -> Result<Self> {
        let mut group = Self::start()?;
        let make = |parent: PathBuf| ControlGroup::make(&parent, group.number(), limits);
        group.limits = delegated_group().map(make).transpose()?;
        Ok(group)
    }

    /// Starts a process of the group whose command line and output are appended to a log.
    ///
    /// # Errors
    /// When the log can't be opened or the program can't be started.
    pub fn spawn(&self, point: Point, invocation: Invocation, log: &LogPipe) -> Result<Child> {
        let writer = log.writer.try_clone().with_context(|| format!("sharing the pipe of {}", log.log.display()))?;
        self.spawn_into(point, invocation, &log.log, writer)
    }

    /// Starts a process of the group whose command line is appended to `log` and whose output goes to a pipe.
    ///
    /// # Errors
    /// When the log can't be opened or the program can't be started.
    pub fn spawn_into(&self, point: Point, invocation: Invocation, log: &Path, output: PipeWriter) -> Result<Child> {
        write_command_line(&invocation, log)?;
        self.spawn_process(point, invocation, File::from(OwnedFd::from(output)))
    }

    fn spawn_process(&self, point: Point, invocation: Invocation, output: File) -> Result<Child> {
        let name = invocation.program.display().to_string();
        let copy = output.try_clone().with_context(|| format!("starting {name}"))?;
        let rules = invocation.landlock_rules.clone();
        let entrance = self.limits.as_ref().map(ControlGroup::entrance).transpose()?;
        let expression =
            invocation.entering(entrance).expression(Some(self.pgid)).stdout_file(output).stderr_file(copy);
        let handle = run_step(point, || with_start_lock(|| start(&expression, rules.as_ref())))
            .with_context(|| format!("starting {name}"))?;
        Ok(Child { handle: Arc::new(handle), name })
    }

    /// Returns the id of the process group, which no other group on this machine has until this one ends.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.pgid.as_raw_nonzero().get().unsigned_abs()
    }

    /// Sends SIGTERM to every process of the group; the guard ignores it.
    pub fn terminate(&self) {
        // Every process may have ended already.
        kill_process_group(self.pgid, Signal::TERM).ok();
    }

    /// Kills every process of the group and reaps the guard. Later calls do nothing, because another group may have the
    /// id.
    pub fn kill(&self) {
        self.killed.call_once(|| {
            // The call fails only if the guard is gone, and then the group is empty.
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Group, Invocation, LogPipe};
    use crate::failpoint::Point;
    use crate::process::LogRules;
    use crate::quota::Quota;
    use crate::secret::Masks;

    fn sh(script: &str) -> Invocation {
        Invocation::new("/bin/sh").args(["-c", script])
    }

    #[test]
    fn a_group_ends_with_its_grandchildren() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let group = Group::start().unwrap();
        let (quota, masks) = (Quota::unlimited(), Masks::default());
        let rules = LogRules { bytes: 1000, quota: &quota, masks: &masks, offsets: None };
        let (pipe, _) = LogPipe::open(&log, rules).unwrap();
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
