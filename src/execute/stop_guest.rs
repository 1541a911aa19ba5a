//! Requests to a hypervisor to exit.

use std::time::Duration;

/// A means to stop a hypervisor. If the hypervisor is still running in the end, its process group is killed.
pub trait StopGuest {
    /// Requests the guest to end its job, and returns the time that it has; `None` if the guest can't be reached.
    fn stop_guest(&mut self) -> Option<Duration> {
        None
    }

    /// Requests the hypervisor to exit now.
    fn stop_hypervisor(&mut self);

    /// Requests the exit in another way, if the hypervisor is still running [`StopGuest::patience`] after the first
    /// request.
    fn terminate(&mut self) {}

    /// Returns the time to wait after the first request.
    fn patience(&self) -> Duration;

    /// Returns the time from the first request to the kill.
    fn grace(&self) -> Duration {
        self.patience()
    }

    /// Is called after all processes of the guest have exited.
    fn on_exit(&mut self) {}
}
