//! The guest contract as values: the request that goes in, the control lines that come out. Pure.

pub mod artifacts;
pub mod control;
mod quote;
pub mod request;

use std::collections::BTreeMap;

pub use quote::quote;

/// What a guest is asked to run; goes in as a tar on a read-only disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The argument list to run.
    pub command: Vec<String>,
    /// Environment variables of the command, on top of the guest's own.
    pub env: BTreeMap<String, String>,
    /// The folder that the command starts in.
    pub workdir: String,
    /// The user and group id of the command; 0 is root.
    pub uid: u32,
    /// How long the command may take, in seconds; then TERM, and KILL 5 s later.
    pub timeout_secs: u64,
    /// Globs, relative to the workspace, of the files to bring back.
    pub artifacts: Vec<String>,
    /// The shares to mount.
    pub shares: Vec<Mount>,
    /// Whether to bring up the network.
    pub network: bool,
    /// The time to set the clock to, in seconds since 1970.
    pub epoch_secs: u64,
}

/// A share as the guest mounts it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// The virtiofs tag.
    pub tag: String,
    /// Where it goes.
    pub mount_point: String,
    /// What is put over it.
    pub access: Access,
}

/// How a guest may use a share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Mounted read-only.
    ReadOnly,
    /// Mounted read-only under a writable overlay that the guest throws away.
    Overlay,
    /// A disk of the machine instead of a share, mounted read-only.
    Disk,
}

/// A line of the control channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Control {
    /// The guest has loaded its drivers.
    Ready,
    /// A phase of the guest began, at so many hundredths of a second of uptime.
    Phase {
        /// The phase.
        name: String,
        /// Uptime of the guest, in hundredths of a second.
        uptime_centis: u64,
    },
    /// The command reached its deadline and is being ended.
    Deadline,
    /// The command ended by itself with this code.
    Exit(u8),
    /// The command was ended by this signal.
    Signal(u8),
    /// The job's output had so many bytes.
    Output(u64),
    /// The artifacts were packed: so many files.
    Artifacts(u64),
    /// Something in the guest failed; what, for people.
    Error(String),
    /// All that the guest has to say is said.
    End,
}
