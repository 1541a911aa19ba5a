//! Processes: the only place that starts any. Each runs in a group that doesn't outlive pikaci, but for what [`capture`]
//! runs.

#![expect(clippy::disallowed_methods, reason = "this is the room of processes")]

mod control_group;
mod group;
mod ignored;
mod inherited;
mod invocation;
#[cfg_attr(target_os = "macos", path = "landlock_macos.rs")]
mod landlock;
#[cfg_attr(target_os = "macos", path = "orphans_macos.rs")]
mod orphans;
mod own_programs;
mod pump;

use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::failpoint::{Point, around};
pub use control_group::{Limits, delegated_group};
pub use group::{Child, Group};
pub use ignored::ignored_signals;
pub use inherited::close_inherited_on_exec;
pub use invocation::{Allowed, Invocation};
pub use landlock::has_landlock;
pub use orphans::{adopt_orphans, kill_orphans};
pub use own_programs::{own_path, own_program};
pub use pump::{Copying, Limit, LogPipe, Pumped, join, pump};

/// Takes a step that makes a pipe or starts a process while no other does. macOS makes a pipe first and has it closed on
/// exec then: a process that starts in between keeps it open, and with it a group alive that is to end with pikaci.
fn alone<T>(step: impl FnOnce() -> T) -> T {
    static STARTING: Mutex<()> = Mutex::new(());
    let _held = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    step()
}

/// Starts a process; a confined one on a thread of its own, because Landlock confines the thread too.
fn start(expression: &duct::Expression, allowed: Option<&Allowed>) -> Result<duct::Handle> {
    let Some(allowed) = allowed else { return Ok(expression.start()?) };
    let confined = || landlock::confine_thread(allowed).and_then(|()| Ok(expression.start()?));
    std::thread::scope(|scope| scope.spawn(confined).join()).map_err(|_| anyhow!("a thread panicked"))?
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
