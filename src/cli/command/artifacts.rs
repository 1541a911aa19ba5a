//! `pikaci artifacts`: lists the artifacts of jobs.

use clap::Args;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::format::Format;
use crate::cli::output::eprint_line;
use crate::cli::output::{print, print_json};
use crate::cli::project_args::ProjectArgs;
use crate::cli::runs::{LATEST, Runs, select_job};
use crate::id::RunId;
use crate::record::JobRecord;
use crate::report::{self, ArtifactFile, Artifacts, JobArtifacts};
use crate::state::read_manifest;

#[derive(Debug, Args)]
pub struct Options {
    /// The run: its id, the beginning of its id, or `latest`
    #[arg(value_name = "RUN", default_value = LATEST)]
    run: String,
    /// List only the artifacts of this job
    #[arg(long, value_name = "JOB")]
    job: Option<String>,
    /// Format of the list
    #[arg(long, value_enum, default_value_t, env = "PIKACI_FORMAT")]
    format: Format,
}

pub fn main(project_args: &ProjectArgs, options: &Options) -> Result<Exit, Failure> {
    let runs = Runs::open(project_args)?;
    let id = runs.select(&options.run)?;
    let history = runs.history(&id)?;
    let jobs: Vec<&JobRecord> = match &options.job {
        Some(name) => vec![select_job(&history, name)?],
        None => history.jobs.iter().collect(),
    };
    let mut listed = Vec::new();
    for job in jobs {
        listed.extend(job_artifacts(&runs, &id, job)?);
    }
    let artifacts = Artifacts::new(id, listed);
    match options.format {
        Format::Json => print_json(&artifacts)?,
        Format::Human if artifacts.jobs.is_empty() => {
            let hint = "name files in a job of pikaci.nix: artifacts = [ \"build/**\" ];";
            eprint_line(&format_args!("run {} has no artifacts\nhint: {hint}", artifacts.run_id));
        }
        Format::Human => print(&report::artifacts(&artifacts))?,
    }
    Ok(Exit::Passed)
}

fn job_artifacts(runs: &Runs, run: &RunId, job: &JobRecord) -> Result<Option<JobArtifacts>, Failure> {
    let (run, job) = runs.resolve_taken(run, job)?;
    let Some(folder) = &job.artifacts.artifacts_dir else { return Ok(None) };
    let manifest = read_manifest(&runs.store.state().run(&run).job(&job.id).attempt(job.attempt).manifest())?;
    // Manifests of earlier versions have the names of tar, which begin with `./`.
    let path = |path: &str| path.strip_prefix("./").unwrap_or(path).to_owned();
    let files = manifest.files.iter().map(|file| ArtifactFile { path: path(&file.path), len: file.len });
    let folder = runs.store.state().root().join(folder);
    Ok(Some(JobArtifacts { job: job.id, folder, files: files.collect() }))
}
