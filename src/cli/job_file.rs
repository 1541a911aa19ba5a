//! The job file of a project: read by pikaci, or evaluated by Nix if pikaci can't.

use std::ffi::OsStr;
use std::path::Path;

use anyhow::{Context as _, anyhow};
use serde_json::Value;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::nix_value::NixValue;
use crate::cli::project::{JOB_FILE_LIMIT, Project};
use crate::config::{self, Config};
use crate::plan::select::{Changes, JOB_FILE};

/// Ends of the names of files that Nix can import or parse.
const NIX_LANGUAGES: [&str; 3] = ["nix", "json", "toml"];

/// A valid job file.
#[derive(Debug)]
pub struct JobFile {
    /// Its content.
    pub config: Config,
    nix: Option<(String, NixValue)>,
}

impl JobFile {
    /// Reads the job file of a project. Writes no files of the project.
    pub fn read(project: &Project) -> Result<Self, Failure> {
        let text = read_text(project)?;
        if project.job_file != JOB_FILE {
            return Ok(Self { config: read_json(project, &text)?, nix: None });
        }
        match config::read(JOB_FILE, &text) {
            Ok(config) => Ok(Self { config, nix: None }),
            Err(diagnostics) => match diagnostics.reason_for_nix() {
                None => Err(Failure::new(Exit::Usage, diagnostics)),
                Some(reason) => {
                    let value = NixValue::of(project, &text, &reason)?;
                    Ok(Self { config: read_value(JOB_FILE, value.json())?, nix: Some((reason, value)) })
                }
            },
        }
    }

    /// Reads the job file as far as that needs no Nix, and returns `None` otherwise.
    pub fn read_without_nix(project: &Project) -> Option<Config> {
        let text = read_text(project).ok()?;
        if project.job_file == JOB_FILE { config::read(JOB_FILE, &text).ok() } else { read_json(project, &text).ok() }
    }

    /// Returns the way in which the file was read, and the reason.
    pub fn origin(&self) -> String {
        match &self.nix {
            None => "read by pikaci, without Nix".to_owned(),
            Some((reason, _)) => format!("evaluated by Nix, because of {reason}"),
        }
    }

    /// Returns the changes to select jobs by. If Nix evaluates the job file, a changed file in a language that Nix reads
    /// may be a part of it, and selects every job.
    pub fn select_by(&self, changes: Changes) -> Changes {
        let Changes::Files { files, .. } = &changes else { return changes };
        let is_read_by_nix = |file: &&String| {
            let extension = Path::new(file).extension().and_then(OsStr::to_str);
            extension.is_some_and(|extension| NIX_LANGUAGES.contains(&extension))
        };
        match files.iter().find(is_read_by_nix).filter(|_| self.nix.is_some()) {
            Some(file) => Changes::NotCompared(format!("{file} changed, which may be a part of {JOB_FILE}")),
            None => changes,
        }
    }

    /// Keeps a value that Nix computed for the next command.
    pub fn save(&self, project: &Project) -> anyhow::Result<()> {
        self.nix.as_ref().map_or(Ok(()), |(_, value)| value.save(project))
    }
}

fn read_text(project: &Project) -> Result<String, Failure> {
    let path = project.root.join(project.job_file);
    let text = project.read(project.job_file, JOB_FILE_LIMIT)?.context("it is missing");
    let text = text.with_context(|| format!("reading {}", path.display()))?;
    String::from_utf8(text).map_err(|error| {
        let place = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..place].split(|byte| *byte == b'\n').count();
        let error = anyhow!("{}:{line}: this line isn't UTF-8", path.display());
        Failure::new(Exit::Usage, error).hint("save the file as UTF-8")
    })
}

fn read_json(project: &Project, text: &str) -> Result<Config, Failure> {
    let path = project.root.join(project.job_file);
    let value = serde_json::from_str(text).with_context(|| format!("reading {}", path.display()));
    let value = value.map_err(|error| Failure::new(Exit::Usage, error).hint("correct the JSON there"))?;
    read_value(project.job_file, &value)
}

/// Validates the value of a job file; errors show the value as Nix spells it.
fn read_value(name: &str, value: &Value) -> Result<Config, Failure> {
    config::read(&format!("value of {name}"), &config::from_json(value))
        .map_err(|diagnostics| Failure::new(Exit::Usage, diagnostics))
}
