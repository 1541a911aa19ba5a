//! `pikaci run`: plans, prepares and executes jobs, and reports their outcomes.

#![expect(clippy::disallowed_methods, reason = "reads the clock")]

use anyhow::Context as _;
use clap::Args;
use jiff::Timestamp;

use crate::cli::declared_jobs::declared_jobs;
use crate::cli::execute_plan::{RunRequest, execute_plan};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::job_file::JobFile;
use crate::cli::new_run_id::new_run_id;
use crate::cli::output::eprint_line;
use crate::cli::plan_args::PlanArgs;
use crate::cli::plan_inputs::PlanInputs;
use crate::cli::project::Project;
use crate::cli::project_args::ProjectArgs;
use crate::cli::report_interrupted::report_interrupted;
use crate::cli::run_options::RunOptions;
use crate::config::Base;
use crate::event::{RunSelection, RunSource, RunStarted};
use crate::plan::select::Changes;
use crate::plan::{RunPlanRecord, guest_base};
use crate::state::gc::RunClaim;
use crate::state::{RunStore, recorded_path};
use crate::{report, snapshot};

#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    plan: PlanArgs,
    #[command(flatten)]
    run: RunOptions,
}

pub fn main(project_args: &ProjectArgs, options: &Options) -> Result<Exit, Failure> {
    let project = Project::locate(project_args)?;
    let job_file = JobFile::read(&project)?;
    project.open_state()?;
    job_file.save(&project)?;
    report_interrupted(&RunStore::new(project.state.clone()))?;
    let mut inputs = PlanInputs::gather(&project, job_file, &options.plan)?;
    let selection = &inputs.selection;
    if selection.jobs.is_empty() {
        for line in report::empty_selection(selection) {
            eprint_line(&line);
        }
        return Ok(Exit::Passed);
    }
    // Missing programs are reported before the source tree is copied.
    let (config, facts) = (&inputs.config, &inputs.facts);
    let hypervisor = config.has_guest(&selection.jobs).then(|| options.plan.hypervisor(facts));
    let shares_usr = config.has_guest_where(&selection.jobs, |guest| guest_base(guest, &facts.system) == Base::Host);
    let guest_programs = options.run.guest_programs(facts, hypervisor, &options.plan.isolation, shares_usr)?;
    let claim = RunClaim::take(&project.state)?;
    inputs.tree = snapshot::copy_tree(inputs.tree, &project.state, &inputs.config.snapshot)
        .map_err(|error| project.snapshot_failure(error))?;
    let mut plan = inputs.plan(&options.plan)?;
    inputs.cache.save(&project.hash_cache())?;
    let now = Timestamp::now();
    plan.record.run_id = Some(new_run_id(now, &project.state)?);
    plan.record.created_at = Some(now);
    let start = run_started(&project, &plan.record, &options.plan, &inputs)?;
    options.plan.budget.print_limit(&inputs.facts);
    let budget = options.plan.budget.budget(&inputs.facts);
    let repository = inputs.repository;
    execute_plan(
        &options.run,
        RunRequest { state: &project.state, guest_programs, repository, plan: &plan, start, budget, claim },
    )
}

fn run_started(
    project: &Project,
    plan: &RunPlanRecord,
    args: &PlanArgs,
    inputs: &PlanInputs,
) -> Result<RunStarted, Failure> {
    // Only the record needs the commit, so the run can continue without it.
    let head = snapshot::head(&project.root).unwrap_or_else(|error| {
        eprint_line(&format_args!("note: the commit isn't recorded: {error}"));
        None
    });
    let run_id = plan.run_id.clone().context("the plan has no run")?;
    let source = RunSource {
        rerun_of: None,
        target_id: plan.target_id.clone(),
        target_description: plan.target_description.clone(),
        source_root: project.root.to_string_lossy().into_owned(),
        snapshot_dir: recorded_path(&project.state.snapshot(inputs.tree.copy_id())),
        git_head: head.as_ref().and_then(|head| head.commit.clone()),
        git_dirty: head.map(|head| head.dirty),
    };
    let selection = RunSelection {
        plan_path: recorded_path(&project.state.run(&run_id).plan()),
        changed_files: match &inputs.changes {
            Changes::Files { files, .. } => Some(files.clone()),
            Changes::NotCompared(_) => None,
        },
        filters: args.names.clone(),
    };
    let host_os = inputs.facts.os_release.clone();
    Ok(RunStarted::new(run_id, source, selection, host_os, declared_jobs(plan), plan.left_out.clone()))
}
