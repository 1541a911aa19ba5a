//! `pikaci plan`: what would run.

use clap::Args;

use super::project::{Project, make_plan};
use super::wanted::{Wanted, choose};
use super::{Exit, Failure, Format, Place, print, print_json, tree_notes};
use crate::{report, snapshot};

#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    wanted: Wanted,
    /// How to print the plan
    #[arg(long, value_enum, default_value_t, env = "PIKACI_FORMAT")]
    format: Format,
}

pub fn main(place: &Place, options: &Options) -> Result<Exit, Failure> {
    let project = Project::find(place)?;
    let config = project.config()?;
    // Both mostly wait for git and the disk.
    let (changes, tree) = rayon::join(
        || project.changes(&options.wanted, &config),
        || snapshot::peek(&project.root, &project.state).map_err(|error| project.unreadable(error)),
    );
    let selection = choose(&config, &options.wanted, &changes?)?;
    let tree = tree?;
    tree_notes::print_for(&config, &selection, &tree);
    let (facts, _) = project.facts(&config, &selection);
    let files = project.files(&config, &selection)?;
    let plan = make_plan(&config, &selection, &facts, &tree, &options.wanted, &files)?;
    match options.format {
        Format::Human => print(&report::plan(&plan.record))?,
        Format::Json => print_json(&plan.record)?,
    }
    Ok(Exit::Passed)
}
