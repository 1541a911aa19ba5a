//! `pikaci rerun`: runs jobs of an earlier run again, from its plan and its snapshot.

#![expect(clippy::disallowed_methods, reason = "reads the clock, and checks whether runners exist")]

use std::collections::BTreeSet;

use anyhow::anyhow;
use clap::Args;
use clap::builder::FalseyValueParser;
use jiff::Timestamp;

use crate::cli::budget_args::BudgetArgs;
use crate::cli::declared_jobs::declared_jobs;
use crate::cli::execute_plan::{RunRequest, execute_plan};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::isolation_args::IsolationArgs;
use crate::cli::new_run_id::new_run_id;
use crate::cli::output::eprint_line;
use crate::cli::project::Project;
use crate::cli::project_args::ProjectArgs;
use crate::cli::run_options::RunOptions;
use crate::cli::runs::{LATEST, Runs, select_job};
use crate::config::SnapshotGlobs;
use crate::event::{Outcome, RunSelection, RunSource, RunStarted};
use crate::execute::launcher::capabilities;
use crate::facts::HostFacts;
use crate::host::{self, FactsRequest, HashCache};
use crate::id::{JobId, RunId};
use crate::nix::NixStore;
use crate::plan::{Plan, RunPlanRecord, plan_rerun, protect_caches};
use crate::process::own_path;
use crate::record::{History, RunRecord};
use crate::snapshot::{self, GuestRepository};
use crate::state::gc::RunClaim;
use crate::state::{read_plan, recorded_path};
use crate::text::count;

#[derive(Debug, Args)]
pub struct Options {
    /// The run: its id, the beginning of its id, or `latest`; then the jobs to run again [default: all jobs of the
    /// latest run]
    #[arg(value_name = "RUN|JOB")]
    words: Vec<String>,
    /// Run only the jobs that didn't pass
    #[arg(long, env = "PIKACI_FAILED", value_parser = FalseyValueParser::new())]
    failed: bool,
    #[command(flatten)]
    isolation: IsolationArgs,
    #[command(flatten)]
    budget: BudgetArgs,
    #[command(flatten)]
    run: RunOptions,
}

pub fn main(project_args: &ProjectArgs, options: &Options) -> Result<Exit, Failure> {
    let runs = Runs::open(project_args)?;
    let (id, names) = select_run(&runs, &options.words)?;
    if runs.store.is_alive(&id) {
        let error = anyhow!("run {id} is still running");
        return Err(Failure::new(Exit::NothingSelected, error).hint(format!("pikaci cancel {id}")));
    }
    // The claim keeps gc from removing files after they are checked below.
    let claim = RunClaim::take(runs.store.state())?;
    let recorded = read_plan(&runs.store.state().run(&id)).map_err(|error| not_rerunnable(&id, error))?;
    let history = runs.history(&id)?;
    let selected = select_jobs(&history, &names, options.failed)?;
    if selected.is_empty() {
        eprint_line(&format_args!("nothing to do: every job of run {id} passed"));
        return Ok(Exit::Passed);
    }
    let mut plan = plan_rerun(&recorded, &selected, &|job| has_passed(&history, job));
    if options.isolation.untrusted {
        protect_caches(&mut plan);
    }
    options.isolation.check(&plan)?;
    let facts = host::gather_facts(&FactsRequest::new(own_path(), BTreeSet::new()), &HashCache::default());
    let hypervisor = plan.hypervisor().map(capabilities);
    let guest_programs =
        options.run.guest_programs(&facts, hypervisor, &options.isolation, plan.uses_host_userland())?;
    let store = guest_programs.as_ref().map(|programs| programs.nix.store());
    verify_inputs(&runs, &history.run, &plan, store)?;
    let repository = read_repository(project_args, &id, &plan)?;
    eprint_line(&format_args!(
        "rerunning {} of run {id} on the files of then; on the files of today: pikaci run --failed",
        count(selected.len(), "job")
    ));
    warn_of_other_userland(&history.run, &plan, &facts);
    let now = Timestamp::now();
    plan.run_id = Some(new_run_id(now, runs.store.state())?);
    plan.created_at = Some(now);
    let start = run_started(&runs, &history.run, &plan, names, &facts)?;
    let plan = Plan { record: plan, flakes: std::collections::BTreeMap::new() };
    options.budget.print_limit(&facts);
    let budget = options.budget.budget(&facts);
    execute_plan(
        &options.run,
        RunRequest { state: runs.store.state(), guest_programs, repository, plan: &plan, start, budget, claim },
    )
}

/// Returns the selected run, and the names of jobs. The first word is a run if there is a run of that name, else a job
/// of the latest run.
fn select_run(runs: &Runs, words: &[String]) -> Result<(RunId, Vec<String>), Failure> {
    let Some((first, rest)) = words.split_first() else { return Ok((runs.select(LATEST)?, Vec::new())) };
    match runs.select(first) {
        Ok(id) => Ok((id, rest.to_vec())),
        Err(failure) => {
            let latest = runs.select(LATEST)?;
            let is_job = runs.history(&latest)?.job(&JobId::new(first.as_str())).is_some();
            if is_job { Ok((latest, words.to_vec())) } else { Err(failure) }
        }
    }
}

fn has_passed(history: &History, job: &JobId) -> bool {
    history.job(job).and_then(|job| job.status.outcome()).is_some_and(Outcome::is_success)
}

fn select_jobs(history: &History, names: &[String], failed: bool) -> Result<BTreeSet<JobId>, Failure> {
    let mut jobs = Vec::new();
    for name in names {
        jobs.push(select_job(history, name)?.id.clone());
    }
    if names.is_empty() {
        jobs.extend(history.jobs.iter().map(|job| job.id.clone()));
    }
    Ok(jobs.into_iter().filter(|job| !failed || !has_passed(history, job)).collect())
}

/// Refuses a plan whose snapshot is missing or changed, or whose runner is missing and can't be built again.
fn verify_inputs(runs: &Runs, run: &RunRecord, plan: &RunPlanRecord, store: Option<&NixStore>) -> Result<(), Failure> {
    let (id, folder) = (&run.run_id, &runs.store.state().recorded(&run.source.snapshot_dir));
    for snapshot in plan.snapshots() {
        if !folder.is_folder() {
            return Err(not_rerunnable(id, anyhow!("its snapshot {} is missing", folder.display())));
        }
        if !snapshot::is_intact(folder, snapshot)? {
            return Err(not_rerunnable(id, anyhow!("its snapshot {} has changed since it was made", folder.display())));
        }
    }
    for flake in plan.flakes() {
        let is_held = |store: &NixStore| {
            let root = runs.store.state().runner(store.id(), flake);
            store.has_gc_root(&root) && store.root_target(&root).is_some_and(|runner| runner.exists())
        };
        let folder = runs.store.state().flake(flake);
        if !store.is_some_and(is_held) && !folder.is_folder() {
            return Err(not_rerunnable(id, anyhow!("the flake of its runner, {}, is missing", folder.display())));
        }
    }
    Ok(())
}

/// Reads the repository of the project for jobs that get it. Refuses one that isn't as it was in the recorded run.
fn read_repository(
    project_args: &ProjectArgs,
    id: &RunId,
    plan: &RunPlanRecord,
) -> Result<Option<GuestRepository>, Failure> {
    let Some((job, digest)) = plan.jobs().find_map(|job| Some((&job.job, job.git.as_ref()?))) else { return Ok(None) };
    let globs = SnapshotGlobs { include: Vec::new(), exclude: plan.exclude.clone() };
    let repository = Project::locate(project_args)?.read_repository(true, &globs)?;
    if repository.as_ref().is_some_and(|repository| repository.digest() == *digest) {
        return Ok(repository);
    }
    let changed = anyhow!("job {job} has `git = true`, and HEAD, a branch, a tag or the index has changed since");
    Err(not_rerunnable(id, changed))
}

fn not_rerunnable(id: &RunId, why: anyhow::Error) -> Failure {
    Failure::new(Exit::NothingSelected, why.context(format!("run {id} can't be run again"))).hint("pikaci run")
}

/// Prints a warning if guests will see another `/usr` of the host than the guests of the recorded run.
fn warn_of_other_userland(recorded: &RunRecord, plan: &RunPlanRecord, facts: &HostFacts) {
    if plan.uses_host_userland() && recorded.host_os != facts.os_release {
        let name = |os: &Option<crate::facts::OsRelease>| {
            os.as_ref().map_or_else(|| "an unknown system".to_owned(), |os| os.pretty_name.clone())
        };
        let (then, now) = (name(&recorded.host_os), name(&facts.os_release));
        eprint_line(&format_args!("warning: run {} ran on {then}, but this machine has {now} now", recorded.run_id));
    }
}

fn run_started(
    runs: &Runs,
    recorded: &RunRecord,
    plan: &RunPlanRecord,
    names: Vec<String>,
    facts: &HostFacts,
) -> Result<RunStarted, Failure> {
    let run_id = plan.run_id.clone().ok_or_else(|| anyhow!("the plan has no run"))?;
    let source = RunSource { rerun_of: Some(recorded.run_id.clone()), ..recorded.source.clone() };
    let selection = RunSelection {
        plan_path: recorded_path(&runs.store.state().run(&run_id).plan()),
        filters: names,
        ..recorded.selection.clone()
    };
    Ok(RunStarted::new(run_id, source, selection, facts.os_release.clone(), declared_jobs(plan), Vec::new()))
}
