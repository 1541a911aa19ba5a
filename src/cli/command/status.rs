//! `pikaci status`: one run.

use clap::Args;

use crate::cli::failure::{Exit, Failure};
use crate::cli::format::Format;
use crate::cli::output::{print, print_json};
use crate::cli::project_args::ProjectArgs;
use crate::cli::runs::{LATEST, Runs, clock};
use crate::report::{self, RunStatus};

#[derive(Debug, Args)]
pub struct Options {
    /// The run: its id, the beginning of it, or `latest`
    #[arg(value_name = "RUN", default_value = LATEST)]
    run: String,
    /// How to print it
    #[arg(long, value_enum, default_value_t, env = "PIKACI_FORMAT")]
    format: Format,
}

pub fn main(project_args: &ProjectArgs, options: &Options) -> Result<Exit, Failure> {
    let runs = Runs::find(project_args)?;
    let history = runs.history(&runs.get(&options.run)?)?;
    let state_root = runs.state.root();
    match options.format {
        Format::Json => print_json(&RunStatus::new(&history, state_root))?,
        Format::Human => print(&report::status(&history, state_root, &clock()))?,
    }
    Ok(Exit::Passed)
}
