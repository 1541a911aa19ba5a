//! `pikaci check`: checks the job file, the settings of a machine, or a policy.

use std::path::PathBuf;

use clap::builder::FalseyValueParser;
use clap::{Args, Command};

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::job_file::JobFile;
use crate::cli::output::print;
use crate::cli::project::Project;
use crate::cli::project_args::ProjectArgs;
use crate::cli::read_policy::read_policy;
use crate::cli::settings::Settings;
use crate::cli::tree_notes;
use crate::text::count;

#[derive(Debug, Args)]
pub struct Options {
    /// Check this file as the settings of a machine instead of pikaci.nix
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// Check this file as a policy instead of pikaci.nix
    #[arg(long, value_name = "FILE", conflicts_with = "settings")]
    policy: Option<PathBuf>,
    /// Fail instead of warning; a glob in `paths` that matches no file always fails
    #[arg(long, env = "PIKACI_STRICT", value_parser = FalseyValueParser::new())]
    strict: bool,
}

/// Checks one file. `command` is the whole command line, which defines the options that settings may have.
pub fn main(project_args: &ProjectArgs, options: &Options, command: &Command) -> Result<Exit, Failure> {
    if let Some(file) = &options.settings {
        let settings = Settings::read(file, command)?;
        print(&format!("{} is valid: {}", file.display(), count(settings.len(), "option")).into())?;
        return Ok(Exit::Passed);
    }
    if let Some(file) = &options.policy {
        read_policy(file)?;
        print(&format!("{} is valid", file.display()).into())?;
        return Ok(Exit::Passed);
    }
    let project = Project::locate(project_args)?;
    let job_file = JobFile::read(&project)?;
    let config = &job_file.config;
    tree_notes::print_unused_names(config, options.strict)?;
    if !config.snapshot.is_empty() || config.jobs.values().any(|job| !job.paths.is_empty()) {
        let tree = project.read_tree(config)?;
        tree_notes::print_tree_notes(config, config.jobs.keys(), &tree, true)?;
    }
    let (jobs, targets) = (count(config.jobs.len(), "job"), count(config.targets.len(), "target"));
    print(&format!("{} is valid: {jobs}, {targets}", project.job_file).into())?;
    print(&job_file.origin().into())?;
    Ok(Exit::Passed)
}
