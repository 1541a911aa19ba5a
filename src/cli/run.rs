//! `pikaci run`: plan, prepare, execute, and tell.

#![expect(clippy::disallowed_methods, reason = "asks for the time")]

use anyhow::Context as _;
use clap::Args;
use jiff::Timestamp;

use super::carry_out::{Begin, Manner, declared, new_run_id};
use super::project::{Project, make_plan};
use super::wanted::{Wanted, choose};
use super::{Exit, Failure, Place, tree_notes};
use crate::config::Base;
use crate::event::{self, RunStarted};
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
    wanted: Wanted,
    #[command(flatten)]
    manner: Manner,
}

pub fn main(place: &Place, options: &Options) -> Result<Exit, Failure> {
    let project = Project::find(place)?;
    let config = project.config()?;
    project.open_state()?;
    super::tell_interrupted(&project.state)?;
    let changes = project.changes(&options.wanted, &config)?;
    let selection = choose(&config, &options.wanted, &changes)?;
    if selection.jobs.is_empty() {
        let hint = if selection.left_out.is_empty() { "" } else { "\nhint: pikaci run --all" };
        let tree = snapshot::peek(&project.root, &project.state).map_err(|error| project.unreadable(error))?;
        tree_notes::print_for(&config, &selection, &tree);
        super::eprint_line(&format_args!("nothing to do: {}{hint}", report::nothing(&selection)));
        return Ok(Exit::Passed);
    }
    let (facts, cache) = project.facts(&config, &selection);
    let files = project.files(&config, &selection)?;
    // Before anything is copied.
    let hypervisor = config.has_guest(&selection.jobs).then(|| options.wanted.hypervisor(&facts));
    let shares_usr = config.has_guest_of(&selection.jobs, |guest| base(guest, &facts.system) == Base::Host);
    let machines = options.manner.machines(&facts, hypervisor, &options.wanted.isolation, shares_usr)?;
    let claim = Claim::take(&project.state)?;
    let tree = snapshot::take(&project.root, &project.state).map_err(|error| project.unreadable(error))?;
    tree_notes::print_for(&config, &selection, &tree);
    let mut plan = make_plan(&config, &selection, &facts, &tree, &options.wanted, &files)?;
    cache.save(&project.hash_cache())?;
    let now = Timestamp::now();
    plan.record.run_id = Some(new_run_id(now, &project.state)?);
    plan.record.created_at = Some(now);
    let start = started(&project, &plan.record, &options.wanted, &changes, &facts, tree.copy_id())?;
    options.wanted.room.print_limit(&facts);
    let budget = options.wanted.room.budget(&facts);
    options.manner.carry_out(Begin { state: &project.state, machines, plan: &plan, start, budget, claim })
}

fn started(
    project: &Project,
    plan: &RunPlanRecord,
    wanted: &Wanted,
    changes: &Changes,
    facts: &HostFacts,
    copy_id: &Digest,
) -> Result<RunStarted, Failure> {
    // Only the record wants it.
    let head = snapshot::head(&project.root).unwrap_or_else(|error| {
        super::eprint_line(&format_args!("note: the commit isn't recorded: {error}"));
        None
    });
    let run_id = plan.run_id.clone().context("the plan has no run")?;
    Ok(RunStarted {
        schema_version: event::SCHEMA_VERSION,
        pikaci_version: env!("CARGO_PKG_VERSION").to_owned(),
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
        filters: wanted.names.clone(),
        host_os: facts.os_release.clone(),
        jobs: declared(plan),
        left_out: plan.left_out.clone(),
        run_id,
    })
}
