//! The specification of a virtual machine with everything that it takes to run it.

use std::path::Path;

use super::collect::ArtifactDisk;
use super::machine::Machine;
use super::share::{ShareTree, ShareUsers};
use crate::foreign::Beneath;
use crate::plan::record::Deadlines;
use crate::process::Limit;
use crate::quota::Quota;
use crate::state::AttemptLayout;

/// Word on the kernel's command line with which a guest waits for a line of the host once it is ready.
pub const WAIT: &str = "pikaci.wait";
/// Maximum of the bytes that a job's output or a console may leave in a log.
pub const LOG_LIMIT: u64 = 64 << 20;

/// A virtual machine to run.
#[derive(Debug)]
pub struct VmSpec<'a> {
    /// The machine.
    pub machine: Machine<'a>,
    /// Shares by tag.
    pub shares: &'a [(String, ShareTree)],
    /// User ids at both ends of the shares.
    pub users: ShareUsers,
    /// Time limits of its phases.
    pub deadlines: Deadlines,
    /// Its logs.
    pub logs: &'a AttemptLogs,
    /// A folder that is removed with it.
    pub scratch: &'a Path,
    /// The disk on which it returns artifacts, if it does.
    pub artifacts: Option<&'a ArtifactDisk>,
    /// The disk quota of its logs and artifacts.
    pub quota: &'a Quota,
}

impl VmSpec<'_> {
    /// Returns the limit of each log.
    pub(super) fn log_limit(&self) -> Limit<'_> {
        Limit { bytes: LOG_LIMIT, quota: self.quota }
    }
}

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
