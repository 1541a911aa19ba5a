//! `pikaci run`: plan, prepare, execute, and tell.

#![expect(clippy::disallowed_methods, reason = "asks for the time")]

use anyhow::Context as _;
use clap::Args;
use jiff::Timestamp;

use crate::cli::execute_plan::{RunOptions, RunRequest, declared, new_run_id};
use crate::cli::failure::{Exit, Failure};
use crate::cli::interrupted::report_interrupted;
use crate::cli::output::eprint_line;
use crate::cli::plan_args::{PlanArgs, choose};
use crate::cli::project::{Project, make_plan};
use crate::cli::project_args::ProjectArgs;
use crate::cli::tree_notes;
use crate::config::Base;
use crate::event::{RunInfo, RunStarted};
use crate::id::Digest;
use crate::plan::facts::HostFacts;
use crate::plan::select::Changes;
use crate::plan::{RunPlanRecord, base};
use crate::state::gc::Claim;
use crate::state::recorded_path;
use crate::{report, snapshot};

#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    plan: PlanArgs,
    #[command(flatten)]
    run: RunOptions,
}

pub fn main(project_args: &ProjectArgs, options: &Options) -> Result<Exit, Failure> {
    let project = Project::find(project_args)?;
    let config = project.config()?;
    project.open_state()?;
    report_interrupted(&project.state)?;
    let changes = project.changes(&options.plan, &config)?;
    let selection = choose(&config, &options.plan, &changes)?;
    if selection.jobs.is_empty() {
        let hint = if selection.left_out.is_empty() { "" } else { "\nhint: pikaci run --all" };
        let tree = snapshot::peek(&project.root, &project.state).map_err(|error| project.unreadable(error))?;
        tree_notes::print_for(&config, &selection, &tree);
        eprint_line(&format_args!("nothing to do: {}{hint}", report::nothing(&selection)));
        return Ok(Exit::Passed);
    }
    let (facts, cache) = project.facts(&config, &selection);
    let files = project.files(&config, &selection)?;
    // Before anything is copied.
    let hypervisor = config.has_guest(&selection.jobs).then(|| options.plan.hypervisor(&facts));
    let shares_usr = config.has_guest_of(&selection.jobs, |guest| base(guest, &facts.system) == Base::Host);
    let machines = options.run.machines(&facts, hypervisor, &options.plan.isolation, shares_usr)?;
    let claim = Claim::take(&project.state)?;
    let tree = snapshot::take(&project.root, &project.state).map_err(|error| project.unreadable(error))?;
    tree_notes::print_for(&config, &selection, &tree);
    let mut plan = make_plan(&config, &selection, &facts, &tree, &options.plan, &files)?;
    cache.save(&project.hash_cache())?;
    let now = Timestamp::now();
    plan.record.run_id = Some(new_run_id(now, &project.state)?);
    plan.record.created_at = Some(now);
    let start = started(&project, &plan.record, &options.plan, &changes, &facts, tree.copy_id())?;
    options.plan.budget.print_limit(&facts);
    let budget = options.plan.budget.budget(&facts);
    options.run.execute(RunRequest { state: &project.state, machines, plan: &plan, start, budget, claim })
}

fn started(
    project: &Project,
    plan: &RunPlanRecord,
    args: &PlanArgs,
    changes: &Changes,
    facts: &HostFacts,
    copy_id: &Digest,
) -> Result<RunStarted, Failure> {
    // Only the record wants it.
    let head = snapshot::head(&project.root).unwrap_or_else(|error| {
        eprint_line(&format_args!("note: the commit isn't recorded: {error}"));
        None
    });
    let run_id = plan.run_id.clone().context("the plan has no run")?;
    let info = RunInfo {
        rerun_of: None,
        target_id: plan.target_id.clone(),
        target_description: plan.target_description.clone(),
        source_root: project.root.to_string_lossy().into_owned(),
        snapshot_dir: recorded_path(&project.state.snapshot(copy_id)),
        git_head: head.as_ref().and_then(|head| head.commit.clone()),
        git_dirty: head.map(|head| head.dirty),
        plan_path: recorded_path(&project.state.run(&run_id).plan()),
        changed_files: match changes {
            Changes::Files { files, .. } => Some(files.clone()),
            Changes::NotCompared(_) => None,
        },
        filters: args.names.clone(),
        host_os: facts.os_release.clone(),
        run_id,
    };
    Ok(RunStarted::new(info, declared(plan), plan.left_out.clone()))
}
