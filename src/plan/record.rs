//! The plan as it is written to `plan.json`.

use std::collections::BTreeSet;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::hypervisor::Hypervisor;
pub use super::planned_job::{
    Deadlines, GuestChoices, JobExecutor, PlannedGroup, PlannedInput, PlannedJob, PlannedSecret, PlannedService,
    PlannedStep, Share, ShareSource,
};
use crate::id::{Digest, JobId, NodeId, RunId, TargetId};

/// The version of plan.json that this pikaci writes.
pub const SCHEMA_VERSION: u32 = 1;

/// Executor of a job in a guest.
pub const VM: &str = "vm";
/// Executor of a job on the host itself.
pub const LOCAL: &str = "local";

/// A plan: nodes, each after the nodes that it depends on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunPlanRecord {
    /// The version of this format.
    #[schemars(extend("const" = SCHEMA_VERSION))]
    pub schema_version: u32,
    /// The run of the plan; null if the plan was only printed.
    pub run_id: Option<RunId>,
    /// The target, or the jobs as the command line named them.
    pub target_id: TargetId,
    /// The purpose of the target.
    pub target_description: Option<String>,
    /// Time of the planning; null if the plan was only printed.
    pub created_at: Option<Timestamp>,
    /// The changes that the jobs were selected by: `all` with the reason, or the compared commit.
    pub scope: String,
    /// Globs of files that the snapshot has although git ignores them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<String>,
    /// Globs of files that the snapshot doesn't have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<String>,
    /// Programs that the host must have.
    pub preconditions: Vec<String>,
    /// The jobs that the scope left out, with the reasons.
    #[serde(default)]
    pub left_out: Vec<LeftOutJob>,
    /// The nodes.
    pub nodes: Vec<PlanNodeRecord>,
}

impl RunPlanRecord {
    /// Returns the jobs, in the order of the nodes.
    pub fn jobs(&self) -> impl Iterator<Item = &PlannedJob> {
        self.nodes.iter().filter_map(PlanNodeRecord::job)
    }

    /// Returns the jobs, in the order of the nodes, to change them.
    pub fn jobs_mut(&mut self) -> impl Iterator<Item = &mut PlannedJob> {
        self.nodes.iter_mut().filter_map(|node| match &mut node.work {
            Work::Execute { execute } => Some(&mut **execute),
            Work::Prepare { .. } => None,
        })
    }

    /// Returns the jobs that run on the host itself, without a guest.
    #[must_use]
    pub fn unisolated_jobs(&self) -> Vec<&JobId> {
        self.jobs().filter(|job| matches!(job.executor, JobExecutor::LocalCommand { .. })).map(|job| &job.job).collect()
    }

    /// Returns the jobs that see folders of the host that the project names, each with such a folder.
    pub fn host_folders(&self) -> impl Iterator<Item = (&JobId, &str)> {
        self.jobs().filter_map(|job| {
            let JobExecutor::VmCommand { shares, .. } = &job.executor else { return None };
            let mut folders = shares.iter().filter_map(|share| match &share.source {
                ShareSource::HostFolder(folder) => Some(folder.as_str()),
                _ => None,
            });
            folders.next().map(|folder| (&job.job, folder))
        })
    }

    /// Returns the secrets of the jobs that run, each once.
    pub fn secrets(&self) -> impl Iterator<Item = &PlannedSecret> {
        let mut names = BTreeSet::new();
        let running = self.jobs().filter(|job| job.taken_from.is_none());
        running.flat_map(|job| &job.secrets).filter(move |secret| names.insert(&secret.name))
    }

    /// Returns the hypervisor of the guests, if there are any.
    #[must_use]
    pub fn hypervisor(&self) -> Option<Hypervisor> {
        self.jobs().find_map(|job| match job.executor {
            JobExecutor::VmCommand { hypervisor, .. } => Some(hypervisor),
            JobExecutor::LocalCommand { .. } => None,
        })
    }

    /// Returns the snapshots of the jobs.
    #[must_use]
    pub fn snapshots(&self) -> BTreeSet<&Digest> {
        self.jobs().filter_map(PlannedJob::snapshot).collect()
    }

    /// Returns the flakes that the Prepare nodes build.
    #[must_use]
    pub fn flakes(&self) -> BTreeSet<&Digest> {
        self.nodes.iter().filter_map(PlanNodeRecord::flake).collect()
    }

    /// Returns whether a job runs with the host's userland: on the host itself, or in a guest that mounts it.
    #[must_use]
    pub fn uses_host_userland(&self) -> bool {
        self.jobs().any(|job| match &job.executor {
            JobExecutor::LocalCommand { .. } => true,
            JobExecutor::VmCommand { shares, .. } => {
                shares.iter().any(|share| share.source == ShareSource::HostUserland)
            }
        })
    }
}

/// A job that doesn't run, because no file of its `paths` changed, or `adjust` or an option skips it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LeftOutJob {
    /// The job.
    pub id: JobId,
    /// The reason.
    pub reason: String,
    /// True if `adjust` or an option skips the job, whatever files changed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub skipped: bool,
}

/// A node of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlanNodeRecord {
    /// The node's id.
    pub id: NodeId,
    /// Description for people.
    pub description: String,
    /// Executor: `nix` for a Prepare node, `vm` or `local` for an Execute node.
    pub executor: String,
    /// The nodes that must pass first.
    pub depends_on: Vec<NodeId>,
    /// Work of the node.
    #[serde(flatten)]
    pub work: Work,
}

impl PlanNodeRecord {
    /// Returns the flake that a Prepare node builds.
    fn flake(&self) -> Option<&Digest> {
        match &self.work {
            Work::Prepare { prepare: Prepare::NixBuild { flake_digest, .. } } => Some(flake_digest),
            Work::Execute { .. } => None,
        }
    }

    /// Returns the job of an Execute node.
    #[must_use]
    pub fn job(&self) -> Option<&PlannedJob> {
        match &self.work {
            Work::Execute { execute } => Some(execute),
            Work::Prepare { .. } => None,
        }
    }
}

/// Work of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Work {
    /// Builds a runner.
    Prepare {
        /// The build.
        prepare: Prepare,
    },
    /// Runs a job.
    Execute {
        /// The job.
        execute: Box<PlannedJob>,
    },
}

/// Work of a Prepare node.
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
        /// Time limit of the build, in seconds.
        #[serde(default = "default_prepare_secs")]
        timeout_secs: u64,
    },
}

/// Returns the time limit of plans whose format had no such field.
fn default_prepare_secs() -> u64 {
    30 * 60
}
