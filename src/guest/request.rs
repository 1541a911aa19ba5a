//! The request of a job to its guest.

use std::collections::BTreeMap;

use super::when::When;
use crate::secret::SecretValue;

/// The commands of a job for a guest, with the settings that they run under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Commands to run, in their order.
    pub steps: Vec<StepRequest>,
    /// Background processes, in the order of their start.
    pub services: Vec<ServiceRequest>,
    /// Environment variables of all commands, on top of the guest's own.
    pub env: BTreeMap<String, String>,
    /// Secrets of all commands.
    pub secrets: Vec<SecretRequest>,
    /// Folder that the command starts in.
    pub workdir: String,
    /// User and group id of the command; 0 is root.
    pub uid: u32,
    /// Timeout of all steps together, in seconds; then the agent sends TERM, and KILL 5 s later.
    pub timeout_secs: u64,
    /// Time without output after which the agent ends the job, in seconds.
    pub stall_secs: Option<u64>,
    /// Globs of the artifacts, relative to the workspace.
    pub artifacts: Vec<String>,
    /// Shares to mount.
    pub shares: Vec<Mount>,
    /// Caches to mount, by their numbers.
    pub caches: Vec<CacheMount>,
    /// True if everything that the job writes is on a disk of the machine, and not in memory.
    pub has_disk: bool,
    /// True if the agent configures the network.
    pub network: bool,
    /// Time that the guest's clock is set to, in seconds since 1970.
    pub epoch_secs: u64,
}

/// A step of the job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepRequest {
    /// Argument list to run.
    pub command: Vec<String>,
    /// Timeout of the step, in seconds.
    pub timeout_secs: Option<u64>,
    /// The ends of the steps before it with which the step runs.
    pub when: When,
}

/// A background process of the job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceRequest {
    /// Argument list to run.
    pub command: Vec<String>,
    /// Argument list of the check that succeeds once the service is ready.
    pub ready: Option<Vec<String>>,
    /// Environment variables of the service and its check, on top of the job's.
    pub env: BTreeMap<String, String>,
    /// Time limit for the service to become ready, in seconds.
    pub timeout_secs: u64,
}

/// A secret of the job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretRequest {
    /// Name of the variable.
    pub name: String,
    /// The value.
    pub value: SecretValue,
    /// True if the value is in a file, and the variable has the path of that file.
    pub as_file: bool,
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

/// A cache as the guest mounts it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheMount {
    /// Folder of the guest that the cache is mounted on.
    pub mount_point: String,
    /// Number of layers of the generation that the cache starts with.
    pub layers: usize,
    /// True if the guest copies the layers to the job's own disk, false if it stacks them.
    pub merge: bool,
}

/// Access of a guest to a share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// The share is mounted read-only.
    ReadOnly,
    /// The share is mounted read-only, and the overlay that follows has its files above those of its own share.
    Layer,
    /// The share is mounted read-only under a writable overlay that the guest throws away.
    Overlay,
    /// The share is a disk of the machine, mounted read-only.
    Disk,
    /// The share is mounted read-only, and the guest copies it to `.git` of the workspace.
    Repository,
}

impl Access {
    /// Returns the word of the request for this access.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::ReadOnly => "read_only",
            Self::Layer => "layer",
            Self::Overlay => "overlay",
            Self::Disk => "disk",
            Self::Repository => "repository",
        }
    }
}
