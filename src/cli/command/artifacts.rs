//! `pikaci artifacts`: lists the artifacts of jobs, or copies them.

#![expect(clippy::disallowed_methods, reason = "makes the folder that the operator names")]

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use clap::Args;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::format::Format;
use crate::cli::output::eprint_line;
use crate::cli::output::{print, print_json};
use crate::cli::project_args::ProjectArgs;
use crate::cli::runs::{LATEST, Runs, select_job};
use crate::execute::private_copy::make_private_copy;
use crate::id::RunId;
use crate::record::JobRecord;
use crate::report::{self, ArtifactFile, Artifacts, JobArtifacts};
use crate::state::{encode_name, read_manifest, remove_tree};
use crate::text::count;

#[derive(Debug, Args)]
pub struct Options {
    /// The run: its id, the beginning of its id, or `latest`
    #[arg(value_name = "RUN", default_value = LATEST)]
    run: String,
    /// List only the artifacts of this job
    #[arg(long, value_name = "JOB")]
    job: Option<String>,
    /// Copy the files into this folder instead: into a folder for each job, or with --job straight into this one, which
    /// must not exist yet
    #[arg(long, value_name = "DIR", env = "PIKACI_TO", conflicts_with = "format")]
    to: Option<PathBuf>,
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
        Format::Human => match &options.to {
            Some(to) => copy(&artifacts.jobs, to, options.job.is_none())?,
            None => print(&report::artifacts(&artifacts))?,
        },
    }
    Ok(Exit::Passed)
}

/// Copies the artifacts of jobs into a folder.
fn copy(jobs: &[JobArtifacts], to: &Path, each_in_its_folder: bool) -> Result<(), Failure> {
    if each_in_its_folder {
        fs::create_dir_all(to).with_context(|| format!("making {}", to.display()))?;
    }
    for job in jobs {
        let folder = if each_in_its_folder { to.join(encode_name(job.job.as_str())) } else { to.to_owned() };
        if folder.symlink_metadata().is_ok() {
            let error = anyhow!("{} exists already, and artifacts overwrite nothing", folder.display());
            return Err(Failure::new(Exit::Usage, error).hint("name another folder, or remove this one"));
        }
        if let Err(error) = make_private_copy(&job.folder, &folder, None) {
            // What was copied before the failure is of no use.
            remove_tree(&folder).ok();
            return Err(error.into());
        }
        print(&format!("{}: {} in {}", job.job, count(job.files.len(), "file"), folder.display()).into())?;
    }
    Ok(())
}

fn job_artifacts(runs: &Runs, run: &RunId, job: &JobRecord) -> Result<Option<JobArtifacts>, Failure> {
    let (run, job) = runs.resolve_taken(run, job)?;
    let Some(folder) = &job.artifacts.artifacts_dir else { return Ok(None) };
    let manifest = read_manifest(&runs.store.state().run(&run).job(&job.id).attempt(job.attempt).manifest())?;
    let files = manifest.files.iter().map(|file| ArtifactFile {
        path: file.clean_path().to_owned(),
        len: file.len,
        mode: file.mode.clone(),
        sha256: file.sha256.clone(),
    });
    let folder = runs.store.state().root().join(folder);
    Ok(Some(JobArtifacts { job: job.id, folder, files: files.collect(), links: manifest.links.clone() }))
}
