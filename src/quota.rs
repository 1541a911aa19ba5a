//! Disk quota of a run.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Hint for a run whose disk quota (option `--disk`) is used up.
pub const DISK_QUOTA_HINT: &str = "raise the disk quota, for instance: pikaci run --disk 20G";

/// Disk quota of a run in bytes; clones share it.
#[derive(Clone, Debug)]
pub struct Quota {
    total: u64,
    left: Arc<AtomicU64>,
}

impl Quota {
    /// Creates a quota of `total` bytes.
    #[must_use]
    pub fn new(total: u64) -> Self {
        Self { total, left: Arc::new(AtomicU64::new(total)) }
    }

    /// Creates a quota that is larger than any disk.
    #[must_use]
    pub fn unlimited() -> Self {
        Self::new(u64::MAX)
    }

    /// Returns the bytes that the run may write in total.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Returns the bytes that the run may still write.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.left.load(Ordering::Relaxed)
    }

    /// Takes up to `bytes` bytes and returns how many were left to take.
    #[must_use]
    pub fn take(&self, bytes: u64) -> u64 {
        let take = |left: u64| Some(left.saturating_sub(bytes));
        // The update can't fail: `take` always returns a value.
        let (Ok(before) | Err(before)) = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        before.min(bytes)
    }

    /// Gives back bytes that were taken for files that are removed now.
    pub fn give_back(&self, bytes: u64) {
        self.left.fetch_add(bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::Quota;

    #[test]
    fn clones_together_take_at_most_the_total() {
        let quota = Quota::new(1000);
        let other = quota.clone();
        let taken: u64 = (0..100).map(|_| quota.take(7) + other.take(7)).sum();
        assert_eq!((taken, quota.left(), quota.take(1)), (1000, 0, 0));
        quota.give_back(5);
        assert_eq!((quota.take(9), quota.left(), quota.total()), (5, 0, 1000));
    }
}
