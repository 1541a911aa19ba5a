//! `pikaci check`: can the job file be read, or the settings of a machine?

use std::path::PathBuf;

use clap::{Args, CommandFactory as _};

use crate::cli::failure::{Exit, Failure};
use crate::cli::isolation_args::read_policy;
use crate::cli::output::print;
use crate::cli::parser::Cli;
use crate::cli::project::Project;
use crate::cli::project_args::ProjectArgs;
use crate::cli::settings::Settings;
use crate::cli::tree_notes;
use crate::report::count;
use crate::snapshot;

#[derive(Debug, Args)]
pub struct Options {
    /// Say whether this file can be the settings of a machine, and leave pikaci.nix alone
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// Validate this file as a policy instead of pikaci.nix
    #[arg(long, value_name = "FILE", conflicts_with = "settings")]
    policy: Option<PathBuf>,
}

pub fn main(project_args: &ProjectArgs, options: &Options) -> Result<Exit, Failure> {
    if let Some(file) = &options.settings {
        let settings = Settings::read(file, &Cli::command())?;
        print(&format!("{} is fine: {}", file.display(), count(settings.len(), "option")).into())?;
        return Ok(Exit::Passed);
    }
    if let Some(file) = &options.policy {
        read_policy(file)?;
        print(&format!("{} is fine", file.display()).into())?;
        return Ok(Exit::Passed);
    }
    let project = Project::find(project_args)?;
    let config = project.config()?;
    if config.jobs.values().any(|job| !job.paths.is_empty()) {
        let tree = snapshot::peek(&project.root, &project.state).map_err(|error| project.unreadable(error))?;
        tree_notes::print(&config, config.jobs.keys(), &tree);
    }
    let (jobs, targets) = (count(config.jobs.len(), "job"), count(config.targets.len(), "target"));
    print(&format!("pikaci.nix is fine: {jobs}, {targets}").into())?;
    Ok(Exit::Passed)
}
