//! `pikaci plan`: prints the plan of a run without running it.

use clap::Args;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::format::Format;
use crate::cli::job_file::JobFile;
use crate::cli::output::{print, print_json};
use crate::cli::plan_args::PlanArgs;
use crate::cli::plan_inputs::PlanInputs;
use crate::cli::project::Project;
use crate::cli::project_args::ProjectArgs;
use crate::report;

#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    plan: PlanArgs,
    /// Format of the plan
    #[arg(long, value_enum, default_value_t, env = "PIKACI_FORMAT")]
    format: Format,
}

pub fn main(project_args: &ProjectArgs, options: &Options) -> Result<Exit, Failure> {
    let project = Project::locate(project_args)?;
    let config = JobFile::read(&project)?.config;
    let plan = PlanInputs::gather(&project, config, &options.plan)?.plan(&options.plan)?;
    match options.format {
        Format::Human => print(&report::plan(&plan.record))?,
        Format::Json => print_json(&plan.record)?,
    }
    Ok(Exit::Passed)
}
