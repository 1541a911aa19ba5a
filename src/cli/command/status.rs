//! `pikaci status`: prints the status of a run and of its jobs.

use clap::Args;

use crate::cli::clock::clock;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::failure_output::failure_output;
use crate::cli::format::Format;
use crate::cli::output::{print, print_json};
use crate::cli::project_args::ProjectArgs;
use crate::cli::runs::{LATEST, Runs};
use crate::report::{self, RunStatus};
use crate::state::read_plan;

#[derive(Debug, Args)]
pub struct Options {
    /// The run: its id, the beginning of its id, or `latest`
    #[arg(value_name = "RUN", default_value = LATEST)]
    run: String,
    /// Format of the status
    #[arg(long, value_enum, default_value_t, env = "PIKACI_FORMAT")]
    format: Format,
}

pub fn main(project_args: &ProjectArgs, options: &Options) -> Result<Exit, Failure> {
    let runs = Runs::open(project_args)?;
    let history = runs.history(&runs.select(&options.run)?)?;
    let state_root = runs.store.state().root();
    match options.format {
        Format::Json => print_json(&RunStatus::new(&history, state_root))?,
        Format::Human => {
            // Without its plan, the run has no hints of its jobs' output.
            let plan = read_plan(&runs.store.state().run(&history.run.run_id)).ok();
            let output = plan.map(|plan| failure_output(runs.store.state(), &history, &plan)).unwrap_or_default();
            print(&report::status(&history, &output, state_root, &clock()))?;
        }
    }
    Ok(Exit::Passed)
}
