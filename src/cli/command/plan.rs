//! `pikaci plan`: what would run.

use clap::Args;

use crate::cli::failure::{Exit, Failure};
use crate::cli::format::Format;
use crate::cli::output::{print, print_json};
use crate::cli::plan_args::{PlanArgs, choose};
use crate::cli::project::{Project, make_plan};
use crate::cli::project_args::ProjectArgs;
use crate::cli::tree_notes;
use crate::{report, snapshot};

#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    plan: PlanArgs,
    /// How to print the plan
    #[arg(long, value_enum, default_value_t, env = "PIKACI_FORMAT")]
    format: Format,
}

pub fn main(project_args: &ProjectArgs, options: &Options) -> Result<Exit, Failure> {
    let project = Project::find(project_args)?;
    let config = project.config()?;
    // Both mostly wait for git and the disk.
    let (changes, tree) = rayon::join(
        || project.changes(&options.plan, &config),
        || snapshot::peek(&project.root, &project.state).map_err(|error| project.unreadable(error)),
    );
    let selection = choose(&config, &options.plan, &changes?)?;
    let tree = tree?;
    tree_notes::print_for(&config, &selection, &tree);
    let (facts, _) = project.facts(&config, &selection);
    let files = project.files(&config, &selection)?;
    let plan = make_plan(&config, &selection, &facts, &tree, &options.plan, &files)?;
    match options.format {
        Format::Human => print(&report::plan(&plan.record))?,
        Format::Json => print_json(&plan.record)?,
    }
    Ok(Exit::Passed)
}
