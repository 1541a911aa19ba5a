//! Changed files, and the jobs that they affect.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::config::{AllowFailure, Base, Config, Guest, Job, ResultCache, Timeouts};
use crate::glob::Globs;
use crate::id::JobId;

/// Name of the job file, which lies in the project's folder.
pub const JOB_FILE: &str = "pikaci.nix";
/// Names of the job file: a project has one of them.
pub const JOB_FILES: [&str; 2] = [JOB_FILE, "pikaci.json"];

/// The files that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changes {
    /// `paths` aren't compared with files, for this reason.
    NotCompared(String),
    /// The files that a comparison or a list names.
    Files {
        /// The files, relative to the project.
        files: Vec<String>,
        /// The comparison, as the end of a sentence: `against HEAD`.
        comparison: String,
        /// The job file before the changes, if it is readable.
        before: Option<Box<Config>>,
    },
}

/// Returns whether a job file is among files.
pub(super) fn has_job_file(files: &[String]) -> bool {
    files.iter().any(|file| JOB_FILES.contains(&file.as_str()))
}

/// The comparison of jobs with changed files.
pub(super) struct Comparison<'a> {
    config: &'a Config,
    changes: &'a Changes,
    /// True if affected jobs affect the jobs that need them, and a job without `paths` is affected by a change only.
    affected: bool,
    /// For each glob that matches a file, the first such file; `None` if the globs are too large to be compiled.
    matches: Option<BTreeMap<&'a str, &'a str>>,
}

impl<'a> Comparison<'a> {
    /// Compares the `paths` of all jobs with the changed files.
    pub(super) fn new(config: &'a Config, changes: &'a Changes, affected: bool) -> Self {
        let files = match changes {
            Changes::NotCompared(_) => &[][..],
            Changes::Files { files, .. } => files,
        };
        let globs = config.jobs.values().flat_map(|job| &job.paths);
        Self { config, changes, affected, matches: first_matches(globs, files) }
    }

    /// Returns the reason for which the changes select a job; the error is the reason for which they leave it out.
    pub(super) fn judge(&self, id: &JobId) -> Result<String, String> {
        let own = self.judge_alone(id);
        if own.is_ok() || !self.affected {
            return own;
        }
        let (mut open, mut visited) = (vec![id], BTreeSet::new());
        while let Some(job) = open.pop() {
            for need in &self.config.jobs[job].needs {
                if self.judge_alone(need).is_ok() {
                    let by = if job == id { "it" } else { job.as_str() };
                    return Ok(format!("{need}, which {by} needs, is affected"));
                }
                if visited.insert(need) {
                    open.push(need);
                }
            }
        }
        own
    }

    /// Judges a job without the jobs that it needs.
    fn judge_alone(&self, id: &JobId) -> Result<String, String> {
        let job = &self.config.jobs[id];
        let (files, comparison, before) = match self.changes {
            Changes::NotCompared(reason) => return Ok(reason.clone()),
            Changes::Files { files, comparison, before } => (files, comparison, before),
        };
        if has_job_file(files) {
            let Some(before) = before else { return Ok("pikaci.nix changed".to_owned()) };
            if !has_same_definition(id, before, self.config) {
                return Ok("pikaci.nix defines it differently".to_owned());
            }
        }
        let guest = &self.config.guests[&job.guest];
        if let Some(file) = files.iter().find(|file| is_file_of_guest(guest, file)) {
            return Ok(format!("its guest is made from {file}, which changed"));
        }
        if job.paths.is_empty() {
            let is_unaffected = self.affected && files.is_empty();
            return if is_unaffected {
                Err(format!("no file changed {comparison}"))
            } else {
                Ok("it has no paths".into())
            };
        }
        let Some(matches) = &self.matches else { return Ok("its paths are too large to compare".to_owned()) };
        match job.paths.iter().find_map(|glob| matches.get(glob.as_str())) {
            Some(file) => Ok(format!("its paths match {file}")),
            None => Err(format!("no file of its paths changed {comparison}")),
        }
    }
}

/// Returns whether two job files define a job and its guest alike, but for values that don't change its result.
fn has_same_definition(id: &JobId, before: &Config, after: &Config) -> bool {
    let definition = |config: &Config| {
        let job = config.jobs.get(id)?;
        let guest = Guest { timeouts: Timeouts::default(), ..config.guests[&job.guest].clone() };
        let job = Job {
            description: None,
            skip: None,
            timeout_secs: 0,
            stall_secs: None,
            guest: String::new(),
            retries: 0,
            allow_failure: AllowFailure::default(),
            cache: ResultCache::default(),
            group: None,
            ..job.clone()
        };
        Some((job, guest))
    };
    definition(before) == definition(after)
}

/// Returns whether a guest is made from a file of the project.
fn is_file_of_guest(guest: &Guest, file: &str) -> bool {
    // Without a base, a guest on a Mac is a NixOS.
    let is_of_nixpkgs = match guest.base {
        Some(Base::Nix | Base::Nixos) => true,
        Some(Base::Host | Base::None) => false,
        None => std::env::consts::OS == "macos",
    };
    let is_flake =
        ["flake.nix", "flake.lock"].contains(&file) || guest.dev_shell.is_some() && file.ends_with("/flake.nix");
    guest.modules.iter().any(|module| module == file) || is_of_nixpkgs && is_flake
}

fn first_matches<'a>(
    globs: impl Iterator<Item = &'a String>,
    files: &'a [String],
) -> Option<BTreeMap<&'a str, &'a str>> {
    let globs: Vec<&str> = globs.map(String::as_str).collect::<BTreeSet<_>>().into_iter().collect();
    let set = Globs::new(globs.iter().copied()).ok()?;
    let mut matches = BTreeMap::new();
    for file in files {
        for index in set.matching_indices(Path::new(file)) {
            matches.entry(globs[index]).or_insert(file.as_str());
        }
    }
    Some(matches)
}
