//! The disk budget of a run.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The hint for a run whose disk budget is too small.
pub const MORE: &str = "give it more, for instance: pikaci run --disk 20G";

/// The disk budget of a run, shared by all that writes for its jobs.
#[derive(Clone, Debug)]
pub struct Quota {
    total: u64,
    left: Arc<AtomicU64>,
}

impl Quota {
    /// Begins with so many bytes.
    #[must_use]
    pub fn new(total: u64) -> Self {
        Self { total, left: Arc::new(AtomicU64::new(total)) }
    }

    /// Begins with more bytes than any disk has.
    #[must_use]
    pub fn unlimited() -> Self {
        Self::new(u64::MAX)
    }

    /// Returns all that the run may write.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Returns what the run may still write.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.left.load(Ordering::Relaxed)
    }

    /// Takes so many bytes, or what is left of them, and returns how many.
    #[must_use]
    pub fn take(&self, bytes: u64) -> u64 {
        let take = |left: u64| Some(left.saturating_sub(bytes));
        // The function never refuses.
        let (Ok(before) | Err(before)) = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        before.min(bytes)
    }

    /// Returns bytes that were taken and whose files are removed.
    pub fn give_back(&self, bytes: u64) {
        self.left.fetch_add(bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::Quota;

    #[test]
    fn what_is_taken_together_is_never_more_than_the_whole() {
        let quota = Quota::new(1000);
        let other = quota.clone();
        let taken: u64 = (0..100).map(|_| quota.take(7) + other.take(7)).sum();
        assert_eq!((taken, quota.left(), quota.take(1)), (1000, 0, 0));
        quota.give_back(5);
        assert_eq!((quota.take(9), quota.left(), quota.total()), (5, 0, 1000));
    }
}
