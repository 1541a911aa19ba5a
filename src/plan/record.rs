//! The plan as it is written to `plan.json`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::hypervisor::Hypervisor;
use crate::config::{Base, Network};
use crate::id::{Digest, JobId, NodeId, RunId, TargetId};

/// The version of plan.json that this pikaci writes.
pub const SCHEMA_VERSION: u32 = 1;

/// What carries out a job in a guest.
pub const VM: &str = "vm";
/// What carries out a job on the host itself.
pub const LOCAL: &str = "local";

/// A plan: nodes in an order in which they can run, each with what it depends on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunPlanRecord {
    /// The version of this format.
    #[schemars(extend("const" = SCHEMA_VERSION))]
    pub schema_version: u32,
    /// The run that the plan was made for; null when it was only shown.
    pub run_id: Option<RunId>,
    /// The target, or the jobs as they were asked for.
    pub target_id: TargetId,
    /// What the target is for.
    pub target_description: Option<String>,
    /// When the plan was made; null when it was only shown.
    pub created_at: Option<Timestamp>,
    /// Which changes chose the jobs: `all`, or what was compared with what.
    pub scope: String,
    /// What the host must offer for the plan to run.
    pub preconditions: Vec<String>,
    /// The jobs that the scope left out, and why.
    #[serde(default)]
    pub left_out: Vec<LeftOutJob>,
    /// What to do.
    pub nodes: Vec<PlanNodeRecord>,
}

impl RunPlanRecord {
    /// Returns the jobs, in the order of the nodes.
    pub fn jobs(&self) -> impl Iterator<Item = &PlannedJob> {
        self.nodes.iter().filter_map(|node| match &node.work {
            Work::Execute { execute } => Some(&**execute),
            Work::Prepare { .. } => None,
        })
    }

    /// Returns the jobs that run on the host itself, outside of any guest.
    #[must_use]
    pub fn unisolated_jobs(&self) -> Vec<&JobId> {
        self.jobs().filter(|job| matches!(job.place, Place::LocalCommand { .. })).map(|job| &job.job).collect()
    }
}

/// A selected job that won't run, because nothing that it depends on changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LeftOutJob {
    /// The job.
    pub id: JobId,
    /// Why it is left out.
    pub reason: String,
}

/// A node of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlanNodeRecord {
    /// The node's id.
    pub id: NodeId,
    /// What it does, for people.
    pub description: String,
    /// What carries it out: `nix` for a Prepare node, `vm` or `local` for an Execute node.
    pub executor: String,
    /// The nodes that must have passed before.
    pub depends_on: Vec<NodeId>,
    /// What to do.
    #[serde(flatten)]
    pub work: Work,
}

/// What a node does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Work {
    /// Builds a runner.
    Prepare {
        /// What to build.
        prepare: Prepare,
    },
    /// Runs a job.
    Execute {
        /// What to run.
        execute: Box<PlannedJob>,
    },
}

/// What a Prepare node builds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Prepare {
    /// A `nix build` of a rendered flake.
    NixBuild {
        /// The flake and its output, relative to the state folder.
        installable: String,
        /// The derivation's output.
        output_name: String,
        /// The digest of the rendered flake.
        flake_digest: Digest,
        /// How long the build may take, in seconds.
        #[serde(default = "default_prepare_secs")]
        timeout_secs: u64,
    },
}

/// What plans had that didn't say it.
fn default_prepare_secs() -> u64 {
    30 * 60
}

/// A job with all that running it again needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlannedJob {
    /// Where it runs.
    #[serde(flatten)]
    pub place: Place,
    /// The job.
    pub job: JobId,
    /// The argument list to run.
    pub command: Vec<String>,
    /// Whether the command runs as root of the guest.
    pub run_as_root: bool,
    /// How long the command may take.
    pub timeout_secs: u64,
    /// Whether the command may write to its workspace (a copy that is thrown away).
    pub writable_workspace: bool,
    /// Environment variables of the command.
    pub env: BTreeMap<String, String>,
    /// The folder in the guest that the command starts in.
    pub workdir: String,
    /// Globs, relative to the workspace, of the files to bring back.
    pub artifacts: Vec<String>,
    /// How often the command runs again when it failed or timed out.
    #[serde(default)]
    pub retries: u32,
    /// CPUs.
    pub vcpu: u32,
    /// Memory, in MiB.
    pub memory_mib: u64,
    /// The part of the network that the command can reach.
    pub network: Network,
}

/// Where a job runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Place {
    /// In a guest.
    VmCommand {
        /// What boots the guest; QEMU in plans of versions that had no other.
        #[serde(default)]
        hypervisor: Hypervisor,
        /// The flake of the runner that it boots.
        flake_digest: Digest,
        /// How long the parts around the command may take.
        deadlines: Deadlines,
        /// What of the host the guest sees.
        shares: Vec<Share>,
        /// The choices of the project that a policy may forbid; absent in plans of older versions.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        choices: Option<GuestChoices>,
    },
    /// On the host itself, in a copy of its own.
    LocalCommand {
        /// The snapshot that is copied.
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
}

/// How long the host waits for the parts of a job, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Deadlines {
    /// From the start of the hypervisor to `ready`.
    pub boot_secs: u64,
    /// From `ready` to `exit`: the job's own time-out and what the agent needs around it.
    pub job_secs: u64,
    /// From `exit` to the end of the hypervisor.
    pub collect_secs: u64,
}

/// A folder of the host that a guest sees, by its tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Share {
    /// The tag that the guest mounts.
    pub tag: String,
    /// What is shared.
    pub source: ShareSource,
    /// Where the guest mounts it.
    pub mount_point: String,
    /// Whether the host refuses every change.
    pub read_only: bool,
}

/// Where a share's files come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ShareSource {
    /// The snapshot with this digest.
    Snapshot(Digest),
    /// The host's `/usr` and an allow-list of its `/etc`.
    HostUserland,
    /// The host's Nix store.
    HostStore,
    /// The runner's own disk, which holds what the guest needs of a store.
    StoreDisk,
}
