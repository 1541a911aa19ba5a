//! The shutdown of a guest: a request to the guest comes first, then requests to its hypervisor, and then the end of
//! the wait, after which the caller kills the processes.

#![expect(clippy::disallowed_methods, reason = "reads the clock")]

use std::time::{Duration, Instant};

use super::observed::{EndCause, Observed};
use super::stop_guest::StopGuest;
use crate::cancel::Urgency;

/// Progress of the shutdown of a guest.
pub(super) struct GuestShutdown<'a> {
    stop: &'a mut dyn StopGuest,
    /// Deadline of the guest to end its job by itself, once it was requested.
    guest_deadline: Option<Instant>,
    /// Time of the first request to the hypervisor; `None` after the second request.
    requested_at: Option<Instant>,
    /// End of the wait for the hypervisor.
    wait_until: Option<Instant>,
}

impl<'a> GuestShutdown<'a> {
    /// Creates a shutdown that hasn't begun.
    pub(super) fn new(stop: &'a mut dyn StopGuest) -> Self {
        Self { stop, guest_deadline: None, requested_at: None, wait_until: None }
    }

    /// Limits the wait for the hypervisor to `grace` from now on, unless there is a limit already.
    pub(super) fn limit_wait(&mut self, grace: Duration) {
        self.wait_until.get_or_insert_with(|| Instant::now() + grace);
    }

    /// Returns true if the wait is over. Sends the second request to the hypervisor when it is due.
    pub(super) fn is_over(&mut self, urgency: Urgency) -> bool {
        if self.wait_until.is_some_and(|end| end <= Instant::now() || urgency == Urgency::Kill) {
            return true;
        }
        if self.requested_at.is_some_and(|time| time.elapsed() > self.stop.patience()) {
            self.stop.terminate();
            self.requested_at = None;
        }
        false
    }

    /// Begins the shutdown if `cause` returns a cause. After a polite cancel request, the guest gets time to end its
    /// job if it can be reached; otherwise, and after that time or a second cancel request, the hypervisor is stopped.
    pub(super) fn advance(
        &mut self,
        observed: &mut Observed,
        urgency: Urgency,
        cause: impl FnOnce(&Observed) -> Option<EndCause>,
    ) {
        if self.wait_until.is_some() {
            return;
        }
        if urgency == Urgency::Polite
            && observed.ready
            && self.guest_deadline.is_none()
            && let Some(patience) = self.stop.stop_guest()
        {
            observed.cause = Some(EndCause::Cancelled);
            self.guest_deadline = Some(Instant::now() + patience);
        }
        if self.guest_deadline.is_some_and(|end| Instant::now() < end && urgency < Urgency::Kill) {
            return;
        }
        observed.cause = cause(observed);
        if observed.cause.is_some() {
            self.stop.stop_hypervisor();
            self.requested_at = Some(Instant::now());
            self.wait_until = Some(Instant::now() + self.stop.grace());
        }
    }
}
