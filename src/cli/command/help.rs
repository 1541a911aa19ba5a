//! `pikaci help`: prints the help of a subcommand, or the reference of the job file.

use std::ffi::OsString;

use clap::Args;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::print;
use crate::report;

/// Topic that is no subcommand.
const JOB_FILE: &str = "job-file";

#[derive(Debug, Args)]
pub struct Options {
    /// A subcommand, or `job-file` for the keys of pikaci.nix
    #[arg(value_name = "COMMAND|job-file")]
    topic: Option<String>,
}

impl Options {
    /// Returns the command line that prints the help, unless the topic is the job file.
    pub fn line(&self) -> Option<Vec<OsString>> {
        let topic = self.topic.as_deref();
        (topic != Some(JOB_FILE))
            .then(|| [Some("pikaci"), topic, Some("--help")].into_iter().flatten().map(OsString::from).collect())
    }
}

/// Prints the reference of the job file.
pub fn main() -> Result<Exit, Failure> {
    print(&report::job_file())?;
    Ok(Exit::Passed)
}
