//! Started processes.

#![expect(clippy::disallowed_methods, reason = "reads the clock")]

use std::process::ExitStatus;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, kill_process};

use crate::cancel::{CANCEL_POLL, Cancel, Urgency};

/// End of a wait for a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitEnd {
    /// The process has exited.
    Exited(ExitStatus),
    /// The run was cancelled.
    Cancelled,
    /// The timeout is over.
    TimedOut,
}

/// Started process.
#[derive(Debug)]
pub struct Child {
    pub(super) handle: duct::Handle,
    pub(super) name: String,
}

impl Child {
    /// Returns the path of the program.
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

    /// Waits for the end of the process, and returns `None` when the timeout is over first.
    ///
    /// # Errors
    /// When waiting fails.
    pub fn wait_timeout(&self, timeout: Duration) -> Result<Option<ExitStatus>> {
        let output = self.handle.wait_timeout(timeout).with_context(|| format!("waiting for {}", self.name))?;
        Ok(output.map(|output| output.status))
    }

    /// Waits for the end of the process, until the timeout or until a cancel request of at least this urgency.
    ///
    /// # Errors
    /// When waiting fails.
    pub fn wait_or_cancel(&self, cancel: &Cancel, urgency: Urgency, timeout: Duration) -> Result<WaitEnd> {
        let end = Instant::now() + timeout;
        loop {
            if cancel.urgency() >= urgency {
                return Ok(WaitEnd::Cancelled);
            }
            let rest = end.saturating_duration_since(Instant::now());
            if let Some(status) = self.wait_timeout(rest.min(CANCEL_POLL))? {
                return Ok(WaitEnd::Exited(status));
            }
            if rest.is_zero() {
                return Ok(WaitEnd::TimedOut);
            }
        }
    }

    /// Sends SIGTERM to the process.
    pub fn terminate(&self) {
        let pids = self.handle.pids();
        for pid in pids.iter().filter_map(|pid| Pid::from_raw(i32::try_from(*pid).ok()?)) {
            // The process may have ended already.
            kill_process(pid, Signal::TERM).ok();
        }
    }
}
