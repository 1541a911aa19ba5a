//! Selected jobs to nodes.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::algo::toposort;
use petgraph::graphmap::DiGraphMap;

use super::budget::Budget;
use super::facts::HostFacts;
use super::hypervisor::{Capabilities, NIX};
use super::record::{
    Deadlines, GuestChoices, LOCAL, Place, PlanNodeRecord, PlannedJob, Prepare, RunPlanRecord, SCHEMA_VERSION, Share,
    VM, Work,
};
use super::runner::{self, PlanError};
use super::select::Selection;
use crate::config::{Command, Config, Guest, Job};
use crate::flake::{self, ProjectFiles, RenderedFlake};
use crate::id::{Digest, JobId, NodeId};

/// What the agent may need around a command besides its timeout, in seconds: it gives itself 120 to set up.
const AROUND_JOB_SECS: u64 = 180;
/// Where the guest mounts the workspace, and where commands start.
pub const WORKSPACE: &str = "/workspace";

/// All that a plan is made of.
#[derive(Clone, Copy, Debug)]
pub struct PlanInput<'a> {
    /// The job file.
    pub config: &'a Config,
    /// The jobs to run.
    pub selection: &'a Selection,
    /// What the host is and has.
    pub facts: &'a HostFacts,
    /// The snapshot to run on.
    pub snapshot: &'a Digest,
    /// What boots the guests.
    pub hypervisor: &'a Capabilities,
    /// The project's files that guests name.
    pub project: &'a ProjectFiles,
    /// How much jobs may have.
    pub budget: Budget,
    /// True if inputs of the project's flake may lie on this machine.
    pub allow_local_inputs: bool,
}

/// A plan and the flakes that its Prepare nodes write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What is written to plan.json; run id and time are null.
    pub record: RunPlanRecord,
    /// The flakes by digest.
    pub flakes: BTreeMap<Digest, RenderedFlake>,
}

/// Makes the plan.
///
/// # Errors
/// When the host lacks what a selected job's guest needs.
pub fn build(input: PlanInput<'_>) -> Result<Plan, PlanError> {
    let jobs = in_order(input.config, &input.selection.jobs);
    let guests: BTreeSet<&str> = jobs.iter().map(|id| input.config.jobs[*id].guest.as_str()).collect();
    let mut runners = BTreeMap::new();
    let mut flakes = BTreeMap::new();
    for guest in guests {
        runner::check_size(guest, &input.config.guests[guest], input.budget)?;
        if let Some(rendered) = runner::render(guest, &input.config.guests[guest], &input)? {
            let digest = flake::digest(&rendered);
            runners.insert(guest, digest.clone());
            flakes.insert(digest, rendered);
        }
    }
    let mut nodes: Vec<PlanNodeRecord> =
        flakes.keys().map(|digest| prepare_node(digest, &runners, input.config)).collect();
    for id in jobs {
        let job = &input.config.jobs[id];
        let runner = runners.get(job.guest.as_str());
        nodes.push(execute_node(id, job, &input, runner));
    }
    let record = RunPlanRecord {
        schema_version: SCHEMA_VERSION,
        run_id: None,
        target_id: input.selection.target_id.clone(),
        target_description: input.selection.target_description.clone(),
        created_at: None,
        scope: input.selection.scope.clone(),
        preconditions: preconditions(&input, &flakes),
        left_out: input.selection.left_out.clone(),
        nodes,
    };
    Ok(Plan { record, flakes })
}

/// Returns the jobs so that each comes after what it needs, else by name.
fn in_order<'a>(config: &'a Config, jobs: &'a BTreeSet<JobId>) -> Vec<&'a JobId> {
    let mut graph = DiGraphMap::<&JobId, ()>::new();
    // The sort takes what was added last first.
    for id in jobs.iter().rev() {
        graph.add_node(id);
    }
    for id in jobs {
        for need in config.jobs[id].needs.iter().filter(|need| jobs.contains(need)) {
            graph.add_edge(need, id, ());
        }
    }
    toposort(&graph, None).expect("the job file's reader refuses cycles")
}

fn prepare_id(digest: &Digest) -> NodeId {
    NodeId::new(format!("prepare:{}", digest.short()))
}

fn execute_id(job: &JobId) -> NodeId {
    NodeId::new(format!("execute:{job}"))
}

fn prepare_node(digest: &Digest, runners: &BTreeMap<&str, Digest>, config: &Config) -> PlanNodeRecord {
    let guests: Vec<&str> = runners.iter().filter(|(_, used)| *used == digest).map(|(guest, _)| *guest).collect();
    // Who waits longest for the runner that they share has it built.
    let timeout_secs = guests.iter().map(|guest| config.guests[*guest].timeouts.prepare_secs).max().unwrap_or_default();
    PlanNodeRecord {
        id: prepare_id(digest),
        description: format!("build the runner of guest {}", guests.join(", ")),
        executor: "nix".to_owned(),
        depends_on: Vec::new(),
        work: Work::Prepare {
            prepare: Prepare::NixBuild {
                installable: format!("flakes/{digest}#runner"),
                output_name: "out".to_owned(),
                flake_digest: digest.clone(),
                timeout_secs,
            },
        },
    }
}

fn execute_node(id: &JobId, job: &Job, input: &PlanInput<'_>, runner: Option<&Digest>) -> PlanNodeRecord {
    let needs = job.needs.iter().filter(|need| input.selection.jobs.contains(need)).map(execute_id);
    let guest = &input.config.guests[&job.guest];
    let place = match runner {
        None => Place::LocalCommand { snapshot: input.snapshot.clone() },
        Some(runner) => {
            let shares = runner::shares(guest, input.facts, input.hypervisor, input.snapshot);
            let choices = Some(runner::choices(guest, input));
            in_guest(job, guest, runner, input.hypervisor, shares, choices)
        }
    };
    PlanNodeRecord {
        id: execute_id(id),
        description: job.description.clone().unwrap_or_else(|| format!("run job {id}")),
        executor: if runner.is_some() { VM } else { LOCAL }.to_owned(),
        depends_on: runner.map(prepare_id).into_iter().chain(needs).collect(),
        work: Work::Execute { execute: Box::new(planned_job(id, job, guest, place)) },
    }
}

/// Returns that a job runs in a guest that boots a runner.
#[must_use]
pub fn in_guest(
    job: &Job,
    guest: &Guest,
    runner: &Digest,
    hypervisor: &Capabilities,
    shares: Vec<Share>,
    choices: Option<GuestChoices>,
) -> Place {
    let deadlines = Deadlines {
        boot_secs: guest.timeouts.boot_secs,
        job_secs: job.timeout_secs + AROUND_JOB_SECS,
        collect_secs: guest.timeouts.collect_secs,
    };
    Place::VmCommand { hypervisor: hypervisor.hypervisor, flake_digest: runner.clone(), deadlines, shares, choices }
}

/// Returns what an Execute node does.
#[must_use]
pub fn planned_job(id: &JobId, job: &Job, guest: &Guest, place: Place) -> PlannedJob {
    PlannedJob {
        job: id.clone(),
        command: match &job.command {
            Command::Shell(script) => vec!["/bin/sh".to_owned(), "-euc".to_owned(), script.clone()],
            Command::Argv(argv) => argv.clone(),
        },
        run_as_root: job.run_as_root,
        timeout_secs: job.timeout_secs,
        writable_workspace: true,
        env: job.env.clone(),
        workdir: if matches!(place, Place::VmCommand { .. }) { WORKSPACE } else { "." }.to_owned(),
        artifacts: job.artifacts.clone(),
        retries: job.retries,
        vcpu: guest.vcpu,
        memory_mib: guest.memory_mib,
        network: job.network,
        place,
    }
}

fn preconditions(input: &PlanInput<'_>, flakes: &BTreeMap<Digest, RenderedFlake>) -> Vec<String> {
    if flakes.is_empty() {
        return Vec::new();
    }
    let programs = std::iter::once(&NIX).chain(input.hypervisor.programs);
    programs.map(|program| program.wanted(input.facts.arch())).collect()
}
