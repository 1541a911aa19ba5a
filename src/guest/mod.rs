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

/// The reason for which a file that a glob matches is no artifact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftOut {
    /// There is no room for it.
    Large,
    /// There are too many files.
    Many,
    /// It lies too deep.
    Deep,
    /// It is a link, and leads to no file.
    Link,
    /// The job's user can't read it.
    Unreadable,
    /// It is neither a file nor a folder nor a link.
    Special,
    /// Its name has a control character.
    Name,
}

impl LeftOut {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Large, Self::Many, Self::Deep, Self::Link, Self::Unreadable, Self::Special, Self::Name];

    /// Returns the word for it on the control channel.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Large => "large",
            Self::Many => "many",
            Self::Deep => "deep",
            Self::Link => "link",
            Self::Unreadable => "unreadable",
            Self::Special => "special",
            Self::Name => "name",
        }
    }

    /// Returns the end of a sentence that begins with the path of the file.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Large => "doesn't fit into the 1 GiB that a job may bring back",
            Self::Many => "is one of more files than a job may bring back",
            Self::Deep => "lies deeper than an artifact may",
            Self::Link => "is a link, and leads to no file",
            Self::Unreadable => "can't be read by the job's user",
            Self::Special => "is a pipe, a socket or a device",
            Self::Name => "has a control character in its name",
        }
    }
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
    /// The kernel ended a process of the job for lack of memory.
    OutOfMemory,
    /// The command ended by itself with this code.
    Exit(u8),
    /// The command was ended by this signal.
    Signal(u8),
    /// The job's output had so many bytes.
    Output(u64),
    /// The artifacts were packed: so many files.
    Artifacts(u64),
    /// A file that a glob matches can't come.
    LeftOut {
        /// The reason.
        reason: LeftOut,
        /// Its path, as far as a line holds it.
        path: String,
    },
    /// So many more can't come.
    MoreLeftOut(u64),
    /// Something in the guest failed; what, for people.
    Error(String),
    /// All that the guest has to say is said.
    End,
}
