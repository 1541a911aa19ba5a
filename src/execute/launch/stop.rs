//! How a hypervisor is asked to end.

use std::time::Duration;

/// A hypervisor that can be asked to end; one that doesn't is killed with its group.
pub trait Stop {
    /// Asks the guest to end its job, and returns how long it may take; nothing where it can't be asked.
    fn ask_guest(&mut self) -> Option<Duration> {
        None
    }

    /// Asks it to end now.
    fn ask(&mut self);

    /// Asks it in another way, when it was asked [`Stop::patience`] ago and is still there.
    fn insist(&mut self) {}

    /// Returns how long what was asked first may take.
    fn patience(&self) -> Duration;

    /// Returns how long after it was asked first it is killed.
    fn grace(&self) -> Duration {
        self.patience()
    }

    /// Is called when its processes are gone.
    fn gone(&mut self) {}
}
