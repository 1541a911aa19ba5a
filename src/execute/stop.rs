//! Requests to a hypervisor to end.

use std::time::Duration;

/// A hypervisor that can be requested to end; one that doesn't is killed with its process group.
pub trait Stop {
    /// Requests the guest to end its job, and returns the time that it has; `None` if the guest can't be reached.
    fn stop_guest(&mut self) -> Option<Duration> {
        None
    }

    /// Requests the hypervisor to end now.
    fn stop(&mut self);

    /// Requests it in another way, if it is still running [`Stop::patience`] after the first request.
    fn insist(&mut self) {}

    /// Returns the time that the first request has.
    fn patience(&self) -> Duration;

    /// Returns the time from the first request to the kill.
    fn grace(&self) -> Duration {
        self.patience()
    }

    /// Runs when all processes of the guest have ended.
    fn ended(&mut self) {}
}
