//! A job of a plan, with everything that running it needs.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::hypervisor::Hypervisor;
use super::planned_cache::PlannedCache;
use super::result_key::ResultKey;
use crate::config::{AllowFailure, Base, Network, SecretSource};
use crate::guest::When;
use crate::guest::contract::DEFAULT_ARTIFACTS_MIB;
use crate::id::{Digest, JobId, RunId};

/// A job with everything that running it needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own, in any combination")]
pub struct PlannedJob {
    /// Executor of the job.
    #[serde(flatten)]
    pub executor: JobExecutor,
    /// The job.
    pub job: JobId,
    /// Its guest in the job file; absent in plans of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guest: Option<String>,
    /// Value of each axis of the matrix, for a leg of one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub matrix: BTreeMap<String, String>,
    /// The command: a program and its arguments; empty if the job has steps.
    pub command: Vec<String>,
    /// The steps, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<PlannedStep>,
    /// The services, in the order of their start.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<PlannedService>,
    /// The artifacts of other jobs that are in the workspace before the first command.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<PlannedInput>,
    /// The ends of the needed jobs with which this job runs.
    #[serde(default, skip_serializing_if = "When::is_default")]
    pub when: When,
    /// Failures that don't make the run fail.
    #[serde(default, skip_serializing_if = "AllowFailure::is_default")]
    pub allow_failure: AllowFailure,
    /// The group whose limit counts the job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<PlannedGroup>,
    /// True if the command runs as root of the guest.
    pub run_as_root: bool,
    /// Time limit of the command, in seconds.
    pub timeout_secs: u64,
    /// Time without output after which the job is ended, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stall_secs: Option<u64>,
    /// True if the command may write to its workspace, a copy that is removed after the job.
    pub writable_workspace: bool,
    /// Environment variables of the command.
    pub env: BTreeMap<String, String>,
    /// Names of the variables whose values came from the environment of the command line.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub inherited: BTreeSet<String>,
    /// Secrets of the command, by name: their sources, never their values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<PlannedSecret>,
    /// Working directory of the command.
    pub workdir: String,
    /// Digest of the repository in the workspace; without it there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git: Option<Digest>,
    /// Globs of the artifacts, relative to the workspace.
    pub artifacts: Vec<String>,
    /// True if the job fails unless each of these globs has a match and every match is kept.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub artifacts_required: bool,
    /// Limit on the size of the artifacts of an attempt, in MiB.
    #[serde(default = "default_artifacts_mib", skip_serializing_if = "is_default_artifacts_mib")]
    pub artifacts_mib: u64,
    /// Maximum number of further attempts after the command failed or timed out.
    #[serde(default)]
    pub retries: u32,
    /// Number of CPUs.
    pub vcpu: u32,
    /// Memory, in MiB.
    pub memory_mib: u64,
    /// Size of the disk for everything that the job writes, in MiB; without it that is memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_mib: Option<u64>,
    /// The part of the network that the command can reach.
    pub network: Network,
    /// The caches whose content the job gets and leaves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub caches: Vec<PlannedCache>,
    /// True if the job takes the result of an earlier run with the same result key.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cache: bool,
    /// The result key, of a job that takes earlier results or that such a job needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_key: Option<ResultKey>,
    /// The earlier run whose result the job takes instead of running.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_from: Option<RunId>,
}

/// Returns the limit on the size of artifacts of a plan that has none.
fn default_artifacts_mib() -> u64 {
    DEFAULT_ARTIFACTS_MIB
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_default_artifacts_mib(mib: &u64) -> bool {
    *mib == DEFAULT_ARTIFACTS_MIB
}

/// A step of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlannedStep {
    /// Name of the step.
    pub name: String,
    /// The command: a program and its arguments.
    pub command: Vec<String>,
    /// Time limit of the step, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_secs: Option<u64>,
    /// The ends of the steps before it with which the step runs.
    #[serde(default, skip_serializing_if = "When::is_default")]
    pub when: When,
}

/// A background process of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlannedService {
    /// Name of the service.
    pub name: String,
    /// The command: a program and its arguments.
    pub command: Vec<String>,
    /// The command that succeeds once the service is ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready: Option<Vec<String>>,
    /// Environment variables, added to those of the job.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// Time limit for the service to become ready, in seconds.
    pub timeout_secs: u64,
}

/// The artifacts of another job that are in the workspace of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlannedInput {
    /// Name of the input; the legs of a matrix have the same one.
    pub name: String,
    /// The job that leaves the artifacts.
    pub job: JobId,
    /// The folder for the artifacts, relative to the workspace; empty for the workspace itself.
    pub to: String,
    /// The earlier run with the artifacts; absent if the job is in this plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
}

/// A secret of a job, without its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlannedSecret {
    /// Name of the secret and of the variable.
    pub name: String,
    /// Source of the value.
    pub source: SecretSource,
    /// True if the value is in a file, and the variable has the path of that file.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub as_file: bool,
    /// Line of the job file that defines the secret, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
}

/// A group of jobs, of which a limited number runs at the same time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlannedGroup {
    /// Name of the group.
    pub name: String,
    /// Number of its jobs that may run at the same time.
    pub limit: u32,
}

impl PlannedJob {
    /// Returns the steps; a job without steps has its command as a step without a name.
    #[must_use]
    pub fn all_steps(&self) -> Vec<PlannedStep> {
        if !self.steps.is_empty() {
            return self.steps.clone();
        }
        let command = self.command.clone();
        vec![PlannedStep { name: String::new(), command, timeout_secs: None, when: When::default() }]
    }

    /// Returns the snapshot of the job.
    pub(super) fn snapshot(&self) -> Option<&Digest> {
        match &self.executor {
            JobExecutor::LocalCommand { snapshot } => Some(snapshot),
            JobExecutor::VmCommand { shares, .. } => shares.iter().find_map(|share| match &share.source {
                ShareSource::Snapshot(digest) => Some(digest),
                _ => None,
            }),
        }
    }
}

/// Executor of a job, with its parameters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum JobExecutor {
    /// A guest runs the job.
    VmCommand {
        /// Hypervisor of the guest; QEMU in plans of versions that had no other one.
        #[serde(default)]
        hypervisor: Hypervisor,
        /// Digest of the flake of the guest's runner.
        flake_digest: Digest,
        /// Time limits of the parts of the job.
        deadlines: Deadlines,
        /// Folders of the host that the guest mounts.
        shares: Vec<Share>,
        /// The choices of the project that a policy may forbid; absent in plans of older versions.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        choices: Option<GuestChoices>,
    },
    /// The host itself runs the job, in a copy of the snapshot.
    LocalCommand {
        /// The snapshot.
        snapshot: Digest,
    },
}

/// The choices of a project for its guest that a policy may forbid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own, in any combination")]
pub struct GuestChoices {
    /// The base.
    pub base: Base,
    /// True if the guest names its kernel.
    pub kernel: bool,
    /// True if the guest has the programs of a dev shell of the project's flake.
    pub dev_shell: bool,
    /// True if the guest has NixOS modules of the project.
    pub modules: bool,
    /// True if the guest is built from the inputs in the project's flake.lock.
    pub own_lock: bool,
    /// True if the guest sees folders of the host that the project names.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub host_folders: bool,
}

/// Time limits of the parts of a job, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Deadlines {
    /// From the start of the hypervisor to `ready`.
    pub boot_secs: u64,
    /// From `ready` to `exit`: the time limit of the command, and time for the agent.
    pub job_secs: u64,
    /// From `exit` to the end of the hypervisor.
    pub collect_secs: u64,
}

/// A folder of the host that a guest mounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Share {
    /// The tag that the guest mounts.
    pub tag: String,
    /// The source of the files.
    pub source: ShareSource,
    /// Mount point in the guest.
    pub mount_point: String,
    /// True if the host refuses every change.
    pub read_only: bool,
}

/// Source of a share's files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ShareSource {
    /// The snapshot with this digest.
    Snapshot(Digest),
    /// The host's `/usr` and an allow-list of its `/etc`.
    HostUserland,
    /// The repository of a job, without its objects.
    Repository,
    /// The objects of the project's repository.
    RepositoryObjects,
    /// A folder of the host, at the same path.
    HostFolder(String),
    /// The host's Nix store.
    HostStore,
    /// The disk of the runner, which holds the store paths that the guest needs.
    StoreDisk,
}
