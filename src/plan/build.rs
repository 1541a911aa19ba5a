//! Planning: selected jobs become nodes.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::algo::toposort;
use petgraph::graphmap::DiGraphMap;

use super::caller_env::JobEnv;
use super::hypervisor::Capabilities;
use super::key_parts;
use super::keyed_jobs::{cache_refusal, keyed_jobs};
use super::plan_caches::planned_caches;
use super::plan_error::PlanError;
use super::plan_input::PlanInput;
use super::record::{
    Deadlines, GuestChoices, JobExecutor, LOCAL, PlanNodeRecord, PlannedGroup, PlannedInput, PlannedJob, PlannedSecret,
    PlannedService, PlannedStep, Prepare, RunPlanRecord, SCHEMA_VERSION, Share, VM, Work,
};
use super::runner::{check_size, guest_choices, guest_shares, host_folders, render_runner, repository_shares};
use crate::config::{Config, Guest, Input, Job, Secret, Step};
use crate::flake::{self, RenderedFlake};
use crate::guest::contract::{SETUP_LIMIT, WORKSPACE_PATH};
use crate::id::{Digest, JobId, NodeId};
use crate::tools::NIX;

/// Folder of rendered flakes in the state folder. A plan names the flakes by this path.
pub const FLAKES_FOLDER: &str = "flakes";
/// Time of the agent before and after the command, in seconds: to set up the guest, and a minute to end the command.
const AGENT_SECS: u64 = SETUP_LIMIT.as_secs() + 60;

/// A plan, and the flakes of its Prepare nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The plan as it is written to plan.json, without the id and the time of a run.
    pub record: RunPlanRecord,
    /// The flakes, by digest.
    pub flakes: BTreeMap<Digest, RenderedFlake>,
}

/// Makes a plan.
///
/// # Errors
/// When the host, the hypervisor or the budget lacks something that the guest of a selected job needs.
pub fn build(input: PlanInput<'_>) -> Result<Plan, PlanError> {
    let jobs = sort_jobs(input.config, &input.selection.jobs);
    let guests: BTreeSet<&str> = jobs.iter().map(|id| input.config.jobs[*id].guest.as_str()).collect();
    let mut runners = BTreeMap::new();
    let mut flakes = BTreeMap::new();
    for guest in guests {
        check_size(guest, &input.config.guests[guest], input.budget)?;
        if let Some(rendered) = render_runner(guest, &input.config.guests[guest], &input)? {
            let digest = flake::digest(&rendered);
            runners.insert(guest, digest.clone());
            flakes.insert(digest, rendered);
        }
    }
    let mut nodes: Vec<PlanNodeRecord> =
        flakes.keys().map(|digest| prepare_node(digest, &runners, input.config)).collect();
    let keyed = keyed_jobs(input.config, input.selection, &input.facts.system);
    let mut digests = BTreeMap::new();
    for id in jobs {
        let job = &input.config.jobs[id];
        let runner = runners.get(job.guest.as_str());
        let mut planned = planned_node_job(id, job, &input, runner)?;
        check_inputs(&planned, &input.selection.jobs)?;
        if keyed.contains(id) {
            let needs = job.needs.iter().map(|need| (need.clone(), Digest::clone(&digests[need]))).collect();
            let files = input.files.get(&job.paths).unwrap_or(input.tree);
            let key = key_parts::result_key(&planned, &job.paths, files, input.facts.userland.as_ref(), needs);
            digests.insert(id, key.digest.clone());
            planned.result_key = Some(key);
            planned.cache = cache_refusal(input.config, job, &input.facts.system).is_none();
        }
        nodes.push(execute_node(planned, job, &input, runner));
    }
    let record = RunPlanRecord {
        schema_version: SCHEMA_VERSION,
        run_id: None,
        target_id: input.selection.target_id.clone(),
        target_description: input.selection.target_description.clone(),
        created_at: None,
        scope: input.selection.scope.clone(),
        include: input.config.snapshot.include.clone(),
        exclude: input.config.snapshot.exclude.clone(),
        preconditions: preconditions(&input, &flakes),
        left_out: input.selection.left_out.clone(),
        nodes,
    };
    Ok(Plan { record, flakes })
}

/// Sorts jobs so that each follows the jobs that it needs, and otherwise by name.
fn sort_jobs<'a>(config: &'a Config, jobs: &'a BTreeSet<JobId>) -> Vec<&'a JobId> {
    let mut graph = DiGraphMap::<&JobId, ()>::new();
    // The sort begins with the last node.
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

/// Refuses a job whose input comes from a job that isn't selected.
fn check_inputs(job: &PlannedJob, selected: &BTreeSet<JobId>) -> Result<(), PlanError> {
    match job.inputs.iter().find(|input| !selected.contains(&input.job)) {
        None => Ok(()),
        Some(input) => Err(PlanError::NoInput { job: job.job.clone(), source_job: input.job.clone() }),
    }
}

fn prepare_id(digest: &Digest) -> NodeId {
    NodeId::new(format!("prepare:{}", digest.short()))
}

fn execute_id(job: &JobId) -> NodeId {
    NodeId::new(format!("execute:{job}"))
}

fn prepare_node(digest: &Digest, runners: &BTreeMap<&str, Digest>, config: &Config) -> PlanNodeRecord {
    let guests: Vec<&str> = runners.iter().filter(|(_, used)| *used == digest).map(|(guest, _)| *guest).collect();
    // Of the guests that share the runner, the longest time limit counts.
    let timeout_secs = guests.iter().map(|guest| config.guests[*guest].timeouts.prepare_secs).max().unwrap_or_default();
    PlanNodeRecord {
        id: prepare_id(digest),
        description: format!("build the runner of guest {}", guests.join(", ")),
        executor: "nix".to_owned(),
        depends_on: Vec::new(),
        work: Work::Prepare {
            prepare: Prepare::NixBuild {
                installable: format!("{FLAKES_FOLDER}/{digest}#runner"),
                output_name: "out".to_owned(),
                flake_digest: digest.clone(),
                timeout_secs,
            },
        },
    }
}

fn execute_node(job: PlannedJob, of: &Job, input: &PlanInput<'_>, runner: Option<&Digest>) -> PlanNodeRecord {
    let needs = of.needs.iter().filter(|need| input.selection.jobs.contains(need)).map(execute_id);
    PlanNodeRecord {
        id: execute_id(&job.job),
        description: of.description.clone().unwrap_or_else(|| format!("run job {}", job.job)),
        executor: if runner.is_some() { VM } else { LOCAL }.to_owned(),
        depends_on: runner.map(prepare_id).into_iter().chain(needs).collect(),
        work: Work::Execute { execute: Box::new(job) },
    }
}

/// Returns the job of an Execute node, without its result key.
fn planned_node_job(
    id: &JobId,
    job: &Job,
    input: &PlanInput<'_>,
    runner: Option<&Digest>,
) -> Result<PlannedJob, PlanError> {
    let guest = &input.config.guests[&job.guest];
    let executor = match runner {
        None => JobExecutor::LocalCommand { snapshot: input.tree.clone() },
        Some(runner) => {
            let mut shares = guest_shares(guest, input.facts, input.hypervisor, input.tree);
            shares.extend(repository_shares(job));
            shares.extend(host_folders(&job.guest, guest, input.caller_env)?);
            let choices = Some(guest_choices(guest, input));
            vm_executor(job, guest, runner, input.hypervisor, shares, choices)
        }
    };
    let env = input.caller_env.job_env(id, job)?;
    if runner.is_some() && !job.secrets.is_empty() && !input.hypervisor.secrets {
        return Err(PlanError::NoSecrets { job: id.clone(), hypervisor: input.hypervisor.name });
    }
    let group = job.group.as_ref().map(|name| PlannedGroup { name: name.clone(), limit: input.config.groups[name] });
    let (caches, git) = (planned_caches(job, input), input.repository.filter(|_| job.git).cloned());
    let secrets = job.secrets.iter().map(|name| planned_secret(name, &input.config.secrets[name])).collect();
    Ok(PlannedJob { group, secrets, git, caches, ..planned_job(id, job, guest, env, executor) })
}

fn planned_secret(name: &str, secret: &Secret) -> PlannedSecret {
    let Secret { source, as_file, line } = secret.clone();
    PlannedSecret { name: name.to_owned(), source, as_file, line }
}

/// Returns the executor of a job in a guest that boots a runner.
#[must_use]
pub fn vm_executor(
    job: &Job,
    guest: &Guest,
    runner: &Digest,
    hypervisor: &Capabilities,
    shares: Vec<Share>,
    choices: Option<GuestChoices>,
) -> JobExecutor {
    let deadlines = Deadlines {
        boot_secs: guest.timeouts.boot_secs,
        job_secs: job.timeout_secs + AGENT_SECS,
        collect_secs: guest.timeouts.collect_secs,
    };
    JobExecutor::VmCommand {
        hypervisor: hypervisor.hypervisor,
        flake_digest: runner.clone(),
        deadlines,
        shares,
        choices,
    }
}

/// Returns the planned job of an Execute node, without its group, its caches, its repository and its secrets.
#[must_use]
pub fn planned_job(id: &JobId, job: &Job, guest: &Guest, env: JobEnv, executor: JobExecutor) -> PlannedJob {
    let step = |step: &Step| PlannedStep {
        name: step.name.clone(),
        command: job.shell.argv(&step.command),
        timeout_secs: step.timeout_secs,
        when: step.when,
    };
    let (command, steps) = match job.steps.as_slice() {
        [only] if only.name.is_empty() => (job.shell.argv(&only.command), Vec::new()),
        steps => (Vec::new(), steps.iter().map(step).collect()),
    };
    let root = if matches!(executor, JobExecutor::VmCommand { .. }) { WORKSPACE_PATH } else { "." };
    PlannedJob {
        job: id.clone(),
        guest: Some(job.guest.clone()),
        matrix: job.matrix.clone(),
        command,
        steps,
        services: planned_services(job),
        inputs: planned_inputs(job),
        when: job.when,
        allow_failure: job.allow_failure.clone(),
        group: None,
        run_as_root: job.run_as_root,
        timeout_secs: job.timeout_secs,
        stall_secs: job.stall_secs,
        writable_workspace: true,
        env: env.values,
        inherited: env.inherited,
        secrets: Vec::new(),
        workdir: if job.workdir.is_empty() { root.to_owned() } else { format!("{root}/{}", job.workdir) },
        git: None,
        artifacts: job.artifacts.clone(),
        artifacts_required: job.artifacts_required,
        artifacts_mib: job.artifacts_mib,
        retries: job.retries,
        vcpu: guest.vcpu,
        memory_mib: guest.memory_mib,
        disk_mib: guest.disk_mib,
        network: job.network,
        caches: Vec::new(),
        cache: false,
        result_key: None,
        taken_from: None,
        executor,
    }
}

/// Returns the inputs of a job, each once for each job that it comes from.
fn planned_inputs(job: &Job) -> Vec<PlannedInput> {
    let all = job.inputs.iter().flat_map(|(name, input)| input.from.iter().map(move |from| (name, input, from)));
    let planned = |(name, input, from): (&String, &Input, &JobId)| PlannedInput {
        name: name.clone(),
        job: from.clone(),
        to: input.folder(from),
        run: None,
    };
    all.map(planned).collect()
}

/// Returns the services of a job, each after the services that it needs, and otherwise by name.
fn planned_services(job: &Job) -> Vec<PlannedService> {
    let mut planned: Vec<PlannedService> = Vec::new();
    while planned.len() < job.services.len() {
        let is_planned = |name: &String| planned.iter().any(|service| service.name == *name);
        let next =
            job.services.iter().find(|(name, service)| !is_planned(name) && service.needs.iter().all(is_planned));
        let (name, service) = next.expect("the job file's reader refuses cycles");
        planned.push(PlannedService {
            name: name.clone(),
            command: job.shell.argv(&service.command),
            ready: service.ready.as_ref().map(|ready| job.shell.argv(ready)),
            env: service.env.clone(),
            timeout_secs: service.timeout_secs,
        });
    }
    planned
}

fn preconditions(input: &PlanInput<'_>, flakes: &BTreeMap<Digest, RenderedFlake>) -> Vec<String> {
    if flakes.is_empty() {
        return Vec::new();
    }
    let programs = std::iter::once(&NIX).chain(input.hypervisor.programs);
    programs.map(|program| program.requirement(input.facts.arch())).collect()
}
