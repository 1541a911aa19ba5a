//! `pikaci artifacts`: the files that jobs brought back.

use clap::Args;

use crate::cli::failure::{Exit, Failure};
use crate::cli::format::Format;
use crate::cli::output::eprint_line;
use crate::cli::output::{print, print_json};
use crate::cli::project_args::ProjectArgs;
use crate::cli::runs::{LATEST, Runs, find_job};
use crate::id::RunId;
use crate::record::{JobRecord, Manifest};
use crate::report::{self, Artifact, Artifacts, JobArtifacts};
use crate::state::read_json;

#[derive(Debug, Args)]
pub struct Options {
    /// The run: its id, the beginning of it, or `latest`
    #[arg(value_name = "RUN", default_value = LATEST)]
    run: String,
    /// Only those of this job
    #[arg(long, value_name = "JOB", env = "PIKACI_JOB")]
    job: Option<String>,
    /// How to print the list
    #[arg(long, value_enum, default_value_t, env = "PIKACI_FORMAT")]
    format: Format,
}

pub fn main(project_args: &ProjectArgs, options: &Options) -> Result<Exit, Failure> {
    let runs = Runs::find(project_args)?;
    let id = runs.get(&options.run)?;
    let history = runs.history(&id)?;
    let jobs: Vec<&JobRecord> = match &options.job {
        Some(name) => vec![find_job(&history, name)?],
        None => history.jobs.iter().collect(),
    };
    let mut found = Vec::new();
    for job in jobs {
        found.extend(of_job(&runs, &id, job)?);
    }
    let artifacts = Artifacts::new(id, found);
    match options.format {
        Format::Json => print_json(&artifacts)?,
        Format::Human if artifacts.jobs.is_empty() => {
            let hint = "name files in a job of pikaci.nix: artifacts = [ \"build/**\" ];";
            eprint_line(&format_args!("run {} brought no files back\nhint: {hint}", artifacts.run_id));
        }
        Format::Human => print(&report::artifacts(&artifacts))?,
    }
    Ok(Exit::Passed)
}

fn of_job(runs: &Runs, run: &RunId, job: &JobRecord) -> Result<Option<JobArtifacts>, Failure> {
    let Some(folder) = &job.artifacts_dir else { return Ok(None) };
    let manifest: Manifest = read_json(&runs.state.run(run).job(&job.id).attempt(job.attempt).manifest())?;
    // Earlier versions wrote the names as tar does.
    let path = |path: &str| path.strip_prefix("./").unwrap_or(path).to_owned();
    let files = manifest.files.iter().map(|file| Artifact { path: path(&file.path), len: file.len });
    let folder = runs.state.root().join(folder);
    Ok(Some(JobArtifacts { job: job.id.clone(), folder, files: files.collect() }))
}
