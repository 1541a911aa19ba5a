//! The cancel request: sent by signals, received by everything that waits.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

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
    subscribers: BTreeMap<u64, Subscriber>,
    next_subscriber: u64,
}

struct Subscriber {
    urgency: Urgency,
    notify: Box<dyn Fn() + Send>,
}

impl fmt::Debug for Subscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscriber").field("urgency", &self.urgency).finish_non_exhaustive()
    }
}

/// A subscription to a cancel request; it ends when the value is dropped.
#[must_use]
#[derive(Debug)]
pub struct Subscription<'a> {
    cancel: &'a Cancel,
    number: u64,
}

impl Drop for Subscription<'_> {
    fn drop(&mut self) {
        self.cancel.state().subscribers.remove(&self.number);
    }
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
        let urgency = if state.urgency == Urgency::None { Urgency::Polite } else { Urgency::Kill };
        self.raise(&mut state, urgency);
        urgency
    }

    /// Requests a polite end without a signal.
    pub fn request_polite(&self) {
        let mut state = self.state();
        let urgency = state.urgency.max(Urgency::Polite);
        self.raise(&mut state, urgency);
    }

    fn raise(&self, state: &mut State, urgency: Urgency) {
        state.urgency = urgency;
        self.changed.notify_all();
        state.subscribers.values().filter(|subscriber| subscriber.urgency <= urgency).for_each(|it| (it.notify)());
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

    /// Calls `notify` at each request whose urgency is at least `urgency`, and at once if there was one. A loop that
    /// reads a channel lets it send a message. `notify` must neither block nor use the cancel request.
    pub fn subscribe(&self, urgency: Urgency, notify: impl Fn() + Send + 'static) -> Subscription<'_> {
        let mut state = self.state();
        if state.urgency >= urgency {
            notify();
        }
        let number = state.next_subscriber;
        state.next_subscriber += 1;
        state.subscribers.insert(number, Subscriber { urgency, notify: Box::new(notify) });
        Subscription { cancel: self, number }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{TryRecvError, channel};
    use std::time::Duration;

    use super::{Cancel, Urgency};

    const LONG: Duration = Duration::from_mins(10);

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

    #[test]
    fn a_subscriber_is_notified_of_its_urgency_until_the_subscription_ends() {
        let cancel = Cancel::default();
        let subscribe = |urgency| {
            let (sender, receiver) = channel();
            (cancel.subscribe(urgency, move || sender.send(()).unwrap()), receiver)
        };
        let (polite, polite_requests) = subscribe(Urgency::Polite);
        let (_kill, kill_requests) = subscribe(Urgency::Kill);
        cancel.request(2);
        assert_eq!((polite_requests.try_recv(), kill_requests.try_recv()), (Ok(()), Err(TryRecvError::Empty)));
        drop(polite);
        cancel.request(2);
        assert_eq!((polite_requests.try_recv(), kill_requests.try_recv()), (Err(TryRecvError::Disconnected), Ok(())));
        let (_late, late_requests) = subscribe(Urgency::Kill);
        assert_eq!(late_requests.try_recv(), Ok(()));
    }
}
