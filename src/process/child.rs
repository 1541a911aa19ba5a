//! Started processes.

#![expect(clippy::disallowed_methods, reason = "starts a thread that waits for a process")]

use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use anyhow::{Context as _, Result};
use duct::unix::HandleExt as _;
use rustix::process::Signal;

use crate::cancel::{Cancel, Urgency};

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
    pub(super) handle: Arc<duct::Handle>,
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
        let (exits, ends) = channel();
        let cancels = exits.clone();
        // Sending fails only after the end of the wait. The thread outlives the wait until its process exits.
        let _subscription = cancel.subscribe(urgency, move || cancels.send(Ok(WaitEnd::Cancelled)).unwrap_or_default());
        let handle = Arc::clone(&self.handle);
        std::thread::spawn(move || {
            let exit = handle.wait().map(|output| WaitEnd::Exited(output.status));
            exits.send(exit).unwrap_or_default();
        });
        let end = ends.recv_timeout(timeout).unwrap_or(Ok(WaitEnd::TimedOut));
        end.with_context(|| format!("waiting for {}", self.name))
    }

    /// Sends SIGTERM to the process.
    pub fn terminate(&self) {
        // The process may have ended already.
        self.handle.send_signal(Signal::TERM.as_raw()).ok();
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;
    use std::time::Duration;

    use super::{Cancel, Urgency, WaitEnd};
    use crate::failpoint::Point;
    use crate::process::{Group, Invocation, LogPipe, LogRules};
    use crate::quota::Quota;
    use crate::secret::Masks;

    const LONG: Duration = Duration::from_mins(10);

    #[test]
    fn a_wait_ends_with_the_process_the_cancel_request_or_the_timeout() {
        let folder = tempfile::tempdir().unwrap();
        let (group, cancel, unlimited) = (Group::start().unwrap(), Cancel::default(), Quota::unlimited());
        let masks = Masks::default();
        let limit = LogRules { bytes: 1000, quota: &unlimited, masks: &masks, offsets: None };
        let (log, _) = LogPipe::open(&folder.path().join("log"), limit).unwrap();
        let child =
            group.spawn(Point::Command, Invocation::new("/bin/sh").args(["-c", "exec sleep 1000"]), &log).unwrap();
        let wait = |urgency, timeout| child.wait_or_cancel(&cancel, urgency, timeout).unwrap();
        assert_eq!(wait(Urgency::Polite, Duration::ZERO), WaitEnd::TimedOut);
        std::thread::scope(|scope| {
            let waits = [Urgency::Polite, Urgency::Kill].map(|urgency| scope.spawn(move || wait(urgency, LONG)));
            cancel.request(2);
            cancel.request(2);
            assert_eq!(waits.map(|wait| wait.join().unwrap()), [WaitEnd::Cancelled; 2]);
        });
        child.terminate();
        let WaitEnd::Exited(status) = child.wait_or_cancel(&Cancel::default(), Urgency::Polite, LONG).unwrap() else {
            panic!("the process outlived SIGTERM");
        };
        assert_eq!(status.signal(), Some(15));
    }
}
