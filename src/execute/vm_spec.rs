//! The specification of a virtual machine, with the files and limits that a run of the machine needs.

use std::path::Path;

use super::attempt_logs::{AttemptLogs, LOG_LIMIT};
use super::machine_spec::MachineSpec;
use super::share::{ShareTree, ShareUsers};
use super::writable_disk::WritableDisk;
use crate::plan::record::Deadlines;
use crate::process::LogRules;
use crate::quota::Quota;
use crate::secret::Masks;

/// A virtual machine to run.
#[derive(Debug)]
pub struct VmSpec<'a> {
    /// The machine.
    pub machine: MachineSpec<'a>,
    /// Shares by tag.
    pub shares: &'a [(String, ShareTree)],
    /// User ids at both ends of the shares.
    pub users: ShareUsers,
    /// Time limits of the phases of the guest.
    pub deadlines: Deadlines,
    /// Logs of the attempt.
    pub logs: &'a AttemptLogs,
    /// Folder for temporary files; the caller removes it after the run.
    pub scratch: &'a Path,
    /// Disks of the machine that the guest writes to.
    pub writable_disks: &'a [&'a WritableDisk],
    /// The disk quota of the logs and disks.
    pub quota: &'a Quota,
    /// Masks of the secrets of the run.
    pub masks: &'a Masks,
}

impl VmSpec<'_> {
    /// Returns the rules of each log.
    pub(super) fn log_rules(&self) -> LogRules<'_> {
        LogRules { bytes: LOG_LIMIT, quota: self.quota, masks: self.masks, offsets: None }
    }
}
