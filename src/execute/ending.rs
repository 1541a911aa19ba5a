//! How a guest is brought to its end: first it is asked itself, then its hypervisor, and then it is waited for no longer.

#![expect(clippy::disallowed_methods, reason = "reads the clock")]

use std::time::{Duration, Instant};

use super::observed::{Cause, Observed};
use super::stop::Stop;
use crate::cancel::Urgency;

/// How far a guest is on its way to its end.
pub(super) struct Ending<'a> {
    stop: &'a mut dyn Stop,
    /// Until when the guest may end by itself, once it was asked to.
    guest_until: Option<Instant>,
    /// When its hypervisor was asked to end, until it is asked in another way.
    asked_at: Option<Instant>,
    /// When the waiting is over.
    last_moment: Option<Instant>,
}

impl<'a> Ending<'a> {
    /// Begins with nobody asked.
    pub(super) fn new(stop: &'a mut dyn Stop) -> Self {
        Self { stop, guest_until: None, asked_at: None, last_moment: None }
    }

    /// Has the waiting end after so long, unless it ends sooner already.
    pub(super) fn wait_at_most(&mut self, grace: Duration) {
        self.last_moment.get_or_insert_with(|| Instant::now() + grace);
    }

    /// Returns whether it isn't waited for any longer.
    pub(super) fn is_over(&mut self, urgency: Urgency) -> bool {
        if self.last_moment.is_some_and(|moment| moment <= Instant::now() || urgency == Urgency::Now) {
            return true;
        }
        if self.asked_at.is_some_and(|moment| moment.elapsed() > self.stop.patience()) {
            self.stop.insist();
            self.asked_at = None;
        }
        false
    }

    /// Begins with the end where there is a cause for it: with the guest where that can be asked, and else, or when that
    /// takes too long or is no longer wanted, with the hypervisor.
    pub(super) fn go_on(
        &mut self,
        seen: &mut Observed,
        urgency: Urgency,
        cause: impl FnOnce(&Observed) -> Option<Cause>,
    ) {
        if self.last_moment.is_some() {
            return;
        }
        if urgency == Urgency::Polite
            && seen.ready
            && self.guest_until.is_none()
            && let Some(patience) = self.stop.stop_guest()
        {
            seen.cause = Some(Cause::Cancelled);
            self.guest_until = Some(Instant::now() + patience);
        }
        if self.guest_until.is_some_and(|end| Instant::now() < end && urgency < Urgency::Now) {
            return;
        }
        seen.cause = cause(seen);
        if seen.cause.is_some() {
            self.stop.stop();
            self.asked_at = Some(Instant::now());
            self.last_moment = Some(Instant::now() + self.stop.grace());
        }
    }
}
