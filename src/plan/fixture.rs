//! Hand-made plans for tests.

use std::collections::{BTreeMap, BTreeSet};

use super::hypervisor::Hypervisor;
use super::key_parts::result_key;
use super::record::{
    Deadlines, GuestChoices, JobExecutor, PlanNodeRecord, PlannedJob, RunPlanRecord, SCHEMA_VERSION, Work,
};
use crate::config::{AllowFailure, Base, Network};
use crate::guest::When;
use crate::guest::contract::DEFAULT_ARTIFACTS_MIB;
use crate::id::{Digest, JobId, NodeId, TargetId};

/// Returns a job of base `none`.
pub fn job(id: &str) -> PlannedJob {
    PlannedJob {
        job: JobId::new(id),
        guest: None,
        executor: JobExecutor::LocalCommand { snapshot: Digest::of(b"") },
        matrix: BTreeMap::new(),
        command: Vec::new(),
        steps: Vec::new(),
        services: Vec::new(),
        inputs: Vec::new(),
        when: When::default(),
        allow_failure: AllowFailure::default(),
        group: None,
        run_as_root: false,
        timeout_secs: 1,
        stall_secs: None,
        writable_workspace: true,
        env: BTreeMap::new(),
        inherited: BTreeSet::new(),
        secrets: Vec::new(),
        workdir: String::new(),
        git: None,
        artifacts: Vec::new(),
        artifacts_required: false,
        artifacts_mib: DEFAULT_ARTIFACTS_MIB,
        retries: 0,
        vcpu: 1,
        memory_mib: 1,
        disk_mib: None,
        network: Network::Outside,
        caches: Vec::new(),
        cache: false,
        result_key: None,
        taken_from: None,
    }
}

/// Returns a plan with these nodes.
pub fn plan(nodes: Vec<PlanNodeRecord>) -> RunPlanRecord {
    RunPlanRecord {
        schema_version: SCHEMA_VERSION,
        run_id: None,
        target_id: TargetId::new("all"),
        target_description: None,
        created_at: None,
        scope: "all".to_owned(),
        include: Vec::new(),
        exclude: Vec::new(),
        preconditions: Vec::new(),
        left_out: Vec::new(),
        nodes,
    }
}

/// Returns a node that depends on other nodes.
pub fn node(id: &str, needs: &[&str], work: Work) -> PlanNodeRecord {
    PlanNodeRecord {
        id: NodeId::new(id),
        description: String::new(),
        executor: String::new(),
        depends_on: needs.iter().map(|need| NodeId::new(*need)).collect(),
        work,
    }
}

/// Returns a job with the result key of these files and of a needed job.
pub fn keyed(job: PlannedJob, paths: &[&str], files: u8, need: u8) -> PlannedJob {
    let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
    let needs = BTreeMap::from([(JobId::new("need"), Digest::of(&[need]))]);
    let userland = Digest::of(b"userland");
    let key = result_key(&job, &paths, &Digest::of(&[files]), Some(&userland), needs);
    PlannedJob { result_key: Some(key), cache: true, ..job }
}

/// Returns a job of a guest of this base, in which the project chose nothing else.
pub fn guest_job(id: &str, base: Base) -> PlannedJob {
    let choices =
        GuestChoices { base, kernel: false, dev_shell: false, modules: false, own_lock: false, host_folders: false };
    let executor = JobExecutor::VmCommand {
        hypervisor: Hypervisor::Qemu,
        flake_digest: Digest::of(b""),
        deadlines: Deadlines { boot_secs: 1, job_secs: 1, collect_secs: 1 },
        shares: Vec::new(),
        choices: Some(choices),
    };
    PlannedJob { executor, network: Network::None, ..job(id) }
}
