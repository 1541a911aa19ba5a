//! The claim of a starting run.

use anyhow::Result;

use crate::failpoint::Point;
use crate::state::file_lock::FileLock;
use crate::state::state_layout::StateLayout;

/// The claim of a starting run on everything in the state folder. The run holds it from before it chooses its files
/// until its plan and its record name them.
#[derive(Debug)]
pub struct RunClaim {
    _lock: FileLock,
}

impl RunClaim {
    /// Takes a claim. Waits while a garbage collection plans, which is short.
    ///
    /// # Errors
    /// When the state folder can't be written.
    pub fn take(state: &StateLayout) -> Result<Self> {
        Ok(Self { _lock: FileLock::shared(Point::Claim, &state.run_claims_lock())? })
    }
}
