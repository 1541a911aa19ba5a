//! The request of a job to its guest.

use std::collections::BTreeMap;

/// A command for a guest, with the settings that it runs under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Argument list to run.
    pub command: Vec<String>,
    /// Environment variables of the command, on top of the guest's own.
    pub env: BTreeMap<String, String>,
    /// Folder that the command starts in.
    pub workdir: String,
    /// User and group id of the command; 0 is root.
    pub uid: u32,
    /// Timeout of the command, in seconds; then the agent sends TERM, and KILL 5 s later.
    pub timeout_secs: u64,
    /// Globs of the artifacts, relative to the workspace.
    pub artifacts: Vec<String>,
    /// Shares to mount.
    pub shares: Vec<Mount>,
    /// True if the agent configures the network.
    pub network: bool,
    /// Time that the guest's clock is set to, in seconds since 1970.
    pub epoch_secs: u64,
}

/// A share as the guest mounts it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// Tag of the share.
    pub tag: String,
    /// Folder of the guest that the share is mounted on.
    pub mount_point: String,
    /// Access of the guest to the share.
    pub access: Access,
}

/// Access of a guest to a share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// The share is mounted read-only.
    ReadOnly,
    /// The share is mounted read-only under a writable overlay that the guest throws away.
    Overlay,
    /// The share is a disk of the machine, mounted read-only.
    Disk,
}

impl Access {
    /// Returns the word of the request for this access.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::ReadOnly => "read_only",
            Self::Overlay => "overlay",
            Self::Disk => "disk",
        }
    }
}
