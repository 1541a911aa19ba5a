//! The request to end: set once by a signal, seen by everything that waits.

use std::sync::atomic::{AtomicI32, AtomicU8, Ordering};

/// A request to end that many threads look at.
#[derive(Debug, Default)]
pub struct Cancel {
    level: AtomicU8,
    signal: AtomicI32,
}

/// How urgently a run is asked to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// Not at all.
    None,
    /// Start nothing more, end what runs politely.
    Polite,
    /// End what runs at once.
    Now,
}

impl Cancel {
    /// Asks to end, more urgently each time; returns how urgently now.
    pub fn request(&self, signal: i32) -> Urgency {
        self.signal.compare_exchange(0, signal, Ordering::SeqCst, Ordering::SeqCst).ok();
        let level = self.level.fetch_add(1, Ordering::SeqCst);
        if level == 0 { Urgency::Polite } else { Urgency::Now }
    }

    /// Asks to end politely, for a reason of pikaci's own.
    pub fn abort(&self) {
        self.level.fetch_max(1, Ordering::SeqCst);
    }

    /// Returns how urgently the end is asked for.
    pub fn urgency(&self) -> Urgency {
        match self.level.load(Ordering::SeqCst) {
            0 => Urgency::None,
            1 => Urgency::Polite,
            _ => Urgency::Now,
        }
    }

    /// Returns the number of the first signal that asked, if one did.
    pub fn signal(&self) -> Option<i32> {
        Some(self.signal.load(Ordering::SeqCst)).filter(|signal| *signal != 0)
    }
}
