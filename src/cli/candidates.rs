//! Names that complete a command line: jobs, targets, runs, steps and services.
//!
//! A completion happens while somebody types, perhaps in a project of a stranger. It reads the job file and the records
//! through their bounded readers, starts no process and writes nothing. A failure of any kind means no names.

use clap_complete::engine::CompletionCandidate;

use crate::cli::job_file::JobFile;
use crate::cli::project::Project;
use crate::cli::project_args::ProjectArgs;
use crate::cli::runs::LATEST;
use crate::config::Config;
use crate::id::{JobId, RunId};
use crate::record::{History, JobRecord};
use crate::state::{self, RunStore};
use crate::text::{is_shown, one_line, unquote};

/// Maximum number of runs.
const MAX_RUNS: usize = 100;

/// Names of the values that have candidates, as the help spells them.
pub const VALUE_NAMES: [&str; 6] = ["TARGET|JOB", "RUN", "RUN|JOB", "JOB", "STEP", "SERVICE"];

/// The parts of an unfinished command line that names depend on.
#[derive(Clone, Debug)]
pub struct TypedLine {
    /// The options that name the project.
    pub project: ProjectArgs,
    /// The run, if it is typed.
    pub run: Option<String>,
    /// The job, if it is typed.
    pub job: Option<String>,
    /// True if the shell is bash, which takes the candidates as they would be typed.
    pub is_bash: bool,
}

impl TypedLine {
    /// Returns the names that a value can have which begin with a text, by the name of the value in the help.
    #[must_use]
    pub fn candidates(&self, value_name: &str, begin: &str) -> Vec<CompletionCandidate> {
        let names = match value_name {
            "TARGET|JOB" => self.targets_and_jobs(),
            "RUN" => self.runs(),
            "RUN|JOB" => self.runs().map(|runs| [runs, self.jobs_of_run().unwrap_or_default()].concat()),
            "JOB" => self.jobs_of_run(),
            "STEP" => self.of_job(|job| job.steps.iter().map(|step| step.name.clone()).collect()),
            "SERVICE" => self.of_job(|job| job.services.iter().map(|service| service.name.clone()).collect()),
            _ => None,
        };
        let names = names.unwrap_or_default().into_iter().filter(|(name, _)| name.chars().all(is_shown));
        let typed = names.map(|(name, help)| (if self.is_bash { escape(&name) } else { name.clone() }, name, help));
        let plain = unquote(begin);
        let matching = typed.filter(|(typed, name, _)| typed.starts_with(begin) || name.starts_with(&plain));
        matching
            .map(|(typed, _, help)| CompletionCandidate::new(typed).help(help.map(|help| one_line(&help).into())))
            .collect()
    }

    fn targets_and_jobs(&self) -> Option<Vec<(String, Option<String>)>> {
        let project = Project::locate_unverified(&self.project).ok()?;
        let Config { targets, jobs, .. } = JobFile::read_without_nix(&project)?;
        let targets = targets.into_iter().map(|(name, target)| (name, target.description));
        let jobs = jobs.into_iter().map(|(id, job)| (id.to_string(), job.description));
        Some(targets.chain(jobs).collect())
    }

    fn runs(&self) -> Option<Vec<(String, Option<String>)>> {
        let (_, ids) = self.open_runs()?;
        let ids = ids.iter().take(MAX_RUNS).map(RunId::to_string);
        Some([LATEST.to_owned()].into_iter().chain(ids).map(|name| (name, None)).collect())
    }

    fn jobs_of_run(&self) -> Option<Vec<(String, Option<String>)>> {
        let jobs = self.history()?.jobs;
        Some(jobs.into_iter().map(|job| (job.id.to_string(), Some(job.description))).collect())
    }

    fn of_job(&self, names: impl Fn(&JobRecord) -> Vec<String>) -> Option<Vec<(String, Option<String>)>> {
        let history = self.history()?;
        let job = history.job(&JobId::new(self.job.as_ref()?))?;
        Some(names(job).into_iter().map(|name| (name, None)).collect())
    }

    fn history(&self) -> Option<History> {
        let (store, ids) = self.open_runs()?;
        match self.run.as_deref().filter(|run| *run != LATEST) {
            Some(run) => store.history(&RunStore::find(&ids, run).ok()?).ok(),
            None => ids.iter().take(MAX_RUNS).find_map(|id| store.history(id).ok()),
        }
    }

    /// Opens the runs of the project, newest first. Whether git tracks the state folder isn't checked: that would start
    /// git.
    fn open_runs(&self) -> Option<(RunStore, Vec<RunId>)> {
        let layout = Project::locate_state_unverified(&self.project).ok()?;
        let store = RunStore::new(state::open_read_only(layout.root()).ok()?);
        let mut ids = store.ids().ok()?;
        ids.reverse();
        Some((store, ids))
    }
}

/// Returns a name as it is typed in bash, with a backslash before each character that means something.
fn escape(name: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./,@%+".contains(c);
    name.chars().flat_map(|c| (!is_plain(c)).then_some('\\').into_iter().chain([c])).collect()
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn a_name_is_one_word_of_bash() {
        assert_eq!(escape("test[cc=gcc]"), r"test\[cc\=gcc\]");
        assert_eq!(escape("it's $(here); é"), r"it\'s\ \$\(here\)\;\ é");
        assert_eq!(escape("pre-merge/a.b"), "pre-merge/a.b");
    }
}
