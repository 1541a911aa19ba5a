//! `pikaci rerun`: jobs of an earlier run once more, from its plan and its snapshot.

#![expect(clippy::disallowed_methods, reason = "asks for the time and looks whether things are there")]

use std::collections::BTreeSet;

use anyhow::anyhow;
use clap::Args;
use clap::builder::FalseyValueParser;
use jiff::Timestamp;

use crate::cli::execute_plan::{RunOptions, RunRequest, declared, new_run_id};
use crate::cli::failure::{Exit, Failure};
use crate::cli::isolation_args::IsolationArgs;
use crate::cli::output::eprint_line;
use crate::cli::plan_args::BudgetArgs;
use crate::cli::project_args::ProjectArgs;
use crate::cli::runs::{LATEST, Runs, find_job};
use crate::event::{Outcome, RunInfo, RunStarted};
use crate::execute::launcher::capabilities;
use crate::host::{self, Gather, HashCache};
use crate::id::{JobId, RunId};
use crate::nix::NixStore;
use crate::plan::facts::HostFacts;
use crate::plan::{Plan, RunPlanRecord, rerun};
use crate::process::own_path;
use crate::record::History;
use crate::snapshot;
use crate::state::gc::Claim;
use crate::state::{read_plan, recorded_path};

#[derive(Debug, Args)]
pub struct Options {
    /// The run: its id, the beginning of it, or `latest`; then its jobs [default: all jobs of the latest run]
    #[arg(value_name = "RUN|JOB")]
    words: Vec<String>,
    /// Only the jobs that didn't pass
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
    let runs = Runs::find(project_args)?;
    let (id, names) = named(&runs, &options.words)?;
    if runs.is_alive(&id) {
        let error = anyhow!("run {id} is still running");
        return Err(Failure::new(Exit::NothingSelected, error).hint(format!("pikaci cancel {id}")));
    }
    // From here on nothing goes that is found to be there.
    let claim = Claim::take(&runs.state)?;
    let recorded = read_plan(&runs.state.run(&id)).map_err(|error| gone(&id, error))?;
    let history = runs.history(&id)?;
    let wanted = wanted(&history, &names, options.failed)?;
    if wanted.is_empty() {
        eprint_line(&format_args!("nothing to do: every job of run {id} passed"));
        return Ok(Exit::Passed);
    }
    let mut plan = rerun::plan(&recorded, &wanted, &|job| has_passed(&history, job));
    options.isolation.check(&plan)?;
    let facts = host::gather(&Gather::here(own_path(), BTreeSet::new()), &HashCache::default());
    let hypervisor = rerun::hypervisor(&plan).map(capabilities);
    let machines = options.run.machines(&facts, hypervisor, &options.isolation, rerun::uses_host(&plan))?;
    refuse_gone(&runs, &history.run.info, &plan, machines.as_ref().map(|machines| machines.nix.store()))?;
    warn_of_userland(&history.run.info, &plan, &facts);
    let now = Timestamp::now();
    plan.run_id = Some(new_run_id(now, &runs.state)?);
    plan.created_at = Some(now);
    let mut start = started(&runs, &history.run.info, &plan, names)?;
    start.info.host_os.clone_from(&facts.os_release);
    let plan = Plan { record: plan, flakes: std::collections::BTreeMap::new() };
    options.budget.print_limit(&facts);
    let budget = options.budget.budget(&facts);
    options.run.execute(RunRequest { state: &runs.state, machines, plan: &plan, start, budget, claim })
}

/// Returns the run and the jobs that are named: the first word is a run where there is such a one.
fn named(runs: &Runs, words: &[String]) -> Result<(RunId, Vec<String>), Failure> {
    let Some((first, rest)) = words.split_first() else { return Ok((runs.get(LATEST)?, Vec::new())) };
    match runs.get(first) {
        Ok(id) => Ok((id, rest.to_vec())),
        Err(unknown) => {
            let latest = runs.get(LATEST)?;
            let is_job = runs.history(&latest)?.job(&JobId::new(first.as_str())).is_some();
            if is_job { Ok((latest, words.to_vec())) } else { Err(unknown) }
        }
    }
}

fn has_passed(history: &History, job: &JobId) -> bool {
    history.job(job).and_then(|job| job.status.outcome()).is_some_and(Outcome::is_success)
}

fn wanted(history: &History, names: &[String], failed: bool) -> Result<BTreeSet<JobId>, Failure> {
    let mut jobs = Vec::new();
    for name in names {
        jobs.push(find_job(history, name)?.id.clone());
    }
    if names.is_empty() {
        jobs.extend(history.jobs.iter().map(|job| job.id.clone()));
    }
    Ok(jobs.into_iter().filter(|job| !failed || !has_passed(history, job)).collect())
}

/// Refuses a plan whose snapshot or runner nothing can bring back.
fn refuse_gone(runs: &Runs, run: &RunInfo, plan: &RunPlanRecord, store: Option<&NixStore>) -> Result<(), Failure> {
    let (id, folder) = (&run.run_id, &runs.state.recorded(&run.snapshot_dir));
    for snapshot in rerun::snapshots(plan) {
        if !folder.is_folder() {
            return Err(gone(id, anyhow!("its snapshot {} is gone", folder.display())));
        }
        if !snapshot::is_intact(folder, snapshot)? {
            return Err(gone(id, anyhow!("its snapshot {} isn't what it was when it was made", folder.display())));
        }
    }
    for flake in rerun::flakes(plan) {
        let is_held = |store: &NixStore| {
            let root = runs.state.runner(store.id(), flake);
            store.has_root(&root) && store.held(&root).is_some_and(|runner| runner.exists())
        };
        let folder = runs.state.flake(flake);
        if !store.is_some_and(is_held) && !folder.is_folder() {
            return Err(gone(id, anyhow!("the flake of its runner, {}, is gone", folder.display())));
        }
    }
    Ok(())
}

fn gone(id: &RunId, why: anyhow::Error) -> Failure {
    Failure::new(Exit::NothingSelected, why.context(format!("run {id} can't be run again"))).hint("pikaci run")
}

/// Says that guests won't see what those of the recorded run saw.
fn warn_of_userland(recorded: &RunInfo, plan: &RunPlanRecord, facts: &HostFacts) {
    if rerun::uses_host(plan) && recorded.host_os != facts.os_release {
        let name = |os: &Option<crate::plan::facts::OsRelease>| {
            os.as_ref().map_or_else(|| "an unknown system".to_owned(), |os| os.pretty_name.clone())
        };
        let (then, now) = (name(&recorded.host_os), name(&facts.os_release));
        eprint_line(&format_args!("warning: run {} was on {then}, and this is {now} now", recorded.run_id));
    }
}

fn started(runs: &Runs, recorded: &RunInfo, plan: &RunPlanRecord, names: Vec<String>) -> Result<RunStarted, Failure> {
    let run_id = plan.run_id.clone().ok_or_else(|| anyhow!("the plan has no run"))?;
    let info = RunInfo {
        rerun_of: Some(recorded.run_id.clone()),
        plan_path: recorded_path(&runs.state.run(&run_id).plan()),
        filters: names,
        run_id,
        ..recorded.clone()
    };
    Ok(RunStarted::new(info, declared(plan), Vec::new()))
}
