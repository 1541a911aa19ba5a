//! `pikaci plan`: prints the plan of a run without running it.

use clap::Args;
use clap::builder::FalseyValueParser;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::format::Format;
use crate::cli::graph_form::GraphForm;
use crate::cli::job_file::JobFile;
use crate::cli::output::{print, print_bytes, print_json};
use crate::cli::plan_args::PlanArgs;
use crate::cli::plan_inputs::PlanInputs;
use crate::cli::project::Project;
use crate::cli::project_args::ProjectArgs;
use crate::config::ResultCache;
use crate::report;
use crate::report::graph::{self, PlanGraph};

#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    plan: PlanArgs,
    /// Format of the plan
    #[arg(long, value_enum, default_value_t, env = "PIKACI_FORMAT", conflicts_with = "explain")]
    format: Format,
    /// Print the jobs as a graph, without the builds of their guests
    #[arg(long, value_enum, value_name = "LANGUAGE", env = "PIKACI_GRAPH", conflicts_with_all = ["format", "explain"])]
    graph: Option<GraphForm>,
    /// Print the reason for which each job runs, takes an earlier result or is left out, instead of the plan
    #[arg(long, env = "PIKACI_EXPLAIN", conflicts_with = "format", value_parser = FalseyValueParser::new())]
    explain: bool,
}

pub fn main(project_args: &ProjectArgs, options: &Options) -> Result<Exit, Failure> {
    let project = Project::locate(project_args)?;
    let inputs = PlanInputs::gather(&project, JobFile::read(&project)?, &options.plan)?;
    if options.explain {
        let jobs = &inputs.selection.jobs;
        let has_cache = jobs.iter().any(|job| inputs.config.jobs[job].cache != ResultCache::Off);
        let plan = has_cache.then(|| inputs.plan(&options.plan)).transpose()?;
        let planned = plan.iter().flat_map(|plan| plan.record.jobs());
        let taken = planned.filter_map(|job| Some((job.job.clone(), job.taken_from.clone()?))).collect();
        print(&report::explain(&inputs.selection, &taken))?;
        return Ok(Exit::Passed);
    }
    let plan = inputs.plan(&options.plan)?;
    if let Some(form) = options.graph {
        let graph = PlanGraph::new(&plan.record);
        match form {
            GraphForm::Dot => print_bytes(graph::dot(&graph).as_bytes())?,
            GraphForm::Mermaid => print_bytes(graph::mermaid(&graph).as_bytes())?,
            GraphForm::Svg => print_bytes(graph::svg(&graph).as_bytes())?,
            GraphForm::Text => print(&graph::text(&graph))?,
        }
        return Ok(Exit::Passed);
    }
    match options.format {
        Format::Human => print(&report::plan(&plan.record))?,
        Format::Json => print_json(&plan.record)?,
    }
    Ok(Exit::Passed)
}
