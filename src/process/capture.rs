//! Short processes whose output is returned.

use std::process::ExitStatus;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};

use super::Invocation;
use super::start::with_start_lock;
use crate::failpoint::{Point, run_step};

/// Output and exit status of a short process.
#[derive(Clone, Debug)]
pub struct Captured {
    /// Exit status.
    pub status: ExitStatus,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: String,
}

/// Runs a short process to its end and returns its output. At the deadline the process and everything that it started
/// are killed.
///
/// Unlike a [`super::Group`] the process has no guard, so that a command that only plans starts one process instead of
/// two. If pikaci is killed, the process runs to its own end. Programs that only read and soon end may run this way.
///
/// # Errors
/// When the program can't be started or doesn't end before the deadline.
pub fn capture(invocation: Invocation, deadline: Duration) -> Result<Captured> {
    let line = invocation.to_string();
    let expression = invocation.expression(None).stdout_capture().stderr_capture();
    let handle = run_step(Point::Capture, || with_start_lock(|| expression.start()))
        .with_context(|| format!("starting {line}"))?;
    let has_ended = handle.wait_timeout(deadline).with_context(|| format!("waiting for {line}"))?.is_some();
    if !has_ended {
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Invocation, capture};

    #[test]
    fn a_process_is_killed_at_the_deadline_with_everything_that_it_started() {
        let error =
            capture(Invocation::new("/bin/sh").args(["-c", "sleep 1000 & sleep 1000"]), Duration::from_millis(200))
                .unwrap_err();
        assert!(error.to_string().contains("didn't end within"), "{error}");
    }

    #[test]
    fn the_oom_score_reaches_the_process_but_not_its_command_line() {
        let read = || Invocation::new("/bin/cat").args(["/proc/self/oom_score_adj"]).without_env().oom_score_adj(987);
        assert_eq!(read().to_string(), "/bin/cat /proc/self/oom_score_adj");
        assert_eq!(capture(read(), Duration::from_secs(10)).unwrap().stdout, b"987\n");
    }
}
