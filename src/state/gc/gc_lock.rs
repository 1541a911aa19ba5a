//! The lock of a garbage collection.

use anyhow::Result;

use crate::failpoint::Point;
use crate::state::file_lock::FileLock;
use crate::state::state_layout::StateLayout;

/// The lock of the only running garbage collection.
#[derive(Debug)]
pub struct GcLock {
    _lock: FileLock,
}

impl GcLock {
    /// Takes the lock, or returns `None` when another garbage collection holds it.
    ///
    /// # Errors
    /// When the state folder can't be written.
    pub fn try_take(state: &StateLayout) -> Result<Option<Self>> {
        Ok(FileLock::try_exclusive(Point::GcLock, &state.gc_lock())?.map(|lock| Self { _lock: lock }))
    }

    /// Waits for the lock.
    ///
    /// # Errors
    /// When the state folder can't be written.
    pub fn wait(state: &StateLayout) -> Result<Self> {
        Ok(Self { _lock: FileLock::exclusive(Point::GcLock, &state.gc_lock())? })
    }
}
