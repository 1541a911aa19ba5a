//! Logs of an attempt.

use crate::foreign::Beneath;
use crate::state::AttemptLayout;

/// Maximum of the bytes that a job's output or a console may leave in a log.
pub const LOG_LIMIT: u64 = 64 << 20;

/// Logs of an attempt.
#[derive(Clone, Debug)]
pub struct AttemptLogs {
    /// Command lines, and the output of the hypervisor and the share daemons.
    pub host: Beneath,
    /// Output of the job.
    pub guest: Beneath,
    /// The kernel's console.
    pub console: Beneath,
}

impl AttemptLogs {
    /// Returns the logs of an attempt.
    #[must_use]
    pub fn of(attempt: &AttemptLayout) -> Self {
        Self { host: attempt.host_log(), guest: attempt.guest_log(), console: attempt.console_log() }
    }
}
