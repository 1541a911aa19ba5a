//! The cancel request: sent by signals, received by everything that waits.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Interval at which a loop that waits for something else checks the cancel request.
pub const CANCEL_POLL: Duration = Duration::from_millis(50);

/// A cancel request that many threads receive.
#[derive(Debug, Default)]
pub struct Cancel {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    urgency: Urgency,
    signal: Option<i32>,
}

/// Urgency of a cancel request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// No request.
    #[default]
    None,
    /// Start nothing more, and end running nodes politely.
    Polite,
    /// Kill running nodes.
    Kill,
}

impl Cancel {
    /// Requests the end because of a signal: the first request is polite, the next one kills. Returns the urgency.
    pub fn request(&self, signal: i32) -> Urgency {
        let mut state = self.state();
        state.signal.get_or_insert(signal);
        state.urgency = if state.urgency == Urgency::None { Urgency::Polite } else { Urgency::Kill };
        self.changed.notify_all();
        state.urgency
    }

    /// Requests a polite end without a signal.
    pub fn request_polite(&self) {
        let mut state = self.state();
        state.urgency = state.urgency.max(Urgency::Polite);
        self.changed.notify_all();
    }

    /// Returns the urgency of the request.
    pub fn urgency(&self) -> Urgency {
        self.state().urgency
    }

    /// Returns the number of the first signal, if a signal sent the request.
    pub fn signal(&self) -> Option<i32> {
        self.state().signal
    }

    /// Waits until the urgency is at least `urgency`, or until the timeout. Returns true if it is.
    pub fn wait(&self, urgency: Urgency, timeout: Duration) -> bool {
        let waited = self.changed.wait_timeout_while(self.state(), timeout, |state| state.urgency < urgency);
        waited.unwrap_or_else(PoisonError::into_inner).0.urgency >= urgency
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Cancel, Urgency};

    const LONG: Duration = Duration::from_secs(600);

    #[test]
    fn a_second_signal_kills_and_the_first_one_is_kept() {
        let cancel = Cancel::default();
        cancel.request_polite();
        assert_eq!((cancel.urgency(), cancel.signal()), (Urgency::Polite, None));
        assert_eq!(cancel.request(15), Urgency::Kill);
        assert_eq!(cancel.request(2), Urgency::Kill);
        cancel.request_polite();
        assert_eq!((cancel.urgency(), cancel.signal()), (Urgency::Kill, Some(15)));
    }

    #[test]
    fn a_request_ends_every_wait_for_its_urgency() {
        let cancel = Cancel::default();
        assert!(!cancel.wait(Urgency::Polite, Duration::ZERO));
        std::thread::scope(|scope| {
            let waits = [Urgency::Polite, Urgency::Kill].map(|urgency| {
                let cancel = &cancel;
                scope.spawn(move || cancel.wait(urgency, LONG))
            });
            cancel.request(2);
            cancel.request(2);
            assert!(waits.map(|wait| wait.join().unwrap()).iter().all(|has_request| *has_request));
        });
    }
}
