//! Changed files, and the jobs that they affect.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;

use super::guest_base::guest_base;
use super::selection_request::SelectionRequest;
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
        /// Files of the snapshot that git ignores: they may have changed.
        ignored: Vec<String>,
    },
}

impl Changes {
    /// Adds the files of the snapshot that git ignores, of which there is no earlier state.
    #[must_use]
    pub fn with_ignored<'a>(mut self, files: impl Iterator<Item = &'a Path>) -> Self {
        if let Self::Files { ignored, .. } = &mut self {
            ignored.extend(files.map(|file| file.to_string_lossy().into_owned()));
        }
        self
    }
}

/// Returns whether a job file is among files.
pub(super) fn has_job_file(files: &[String]) -> bool {
    files.iter().any(|file| JOB_FILES.contains(&file.as_str()))
}

/// Compares jobs with the changes. Returns for each of `jobs` the reason for which the changes select it; an error is the
/// reason for which they leave it out. If only affected jobs are requested, it compares all jobs, because they affect the
/// jobs that need them.
pub(super) fn compare<'a>(
    config: &'a Config,
    jobs: impl Iterator<Item = &'a JobId>,
    changes: &Changes,
    request: &SelectionRequest,
) -> BTreeMap<&'a JobId, Result<String, String>> {
    let jobs: Vec<&JobId> = if request.affected { config.jobs.keys().collect() } else { jobs.collect() };
    let comparison = match changes {
        Changes::NotCompared(reason) => return jobs.into_iter().map(|job| (job, Ok(reason.clone()))).collect(),
        Changes::Files { files, comparison, before, ignored } => {
            let visible = visible_files(config, files);
            let paths = jobs.iter().flat_map(|job| &config.jobs[*job].paths);
            Comparison {
                config,
                against: comparison,
                job_file: JobFileChange::new(files, before.as_deref()),
                only_affected: request.affected,
                guest_files: guest_files(config, files, &request.system),
                has_changes: !visible.is_empty(),
                ignored: ignored.first(),
                matches: first_matches(paths, visible.into_iter().chain(ignored)),
            }
        }
    };
    let mut compared: BTreeMap<&JobId, _> = jobs.iter().map(|job| (*job, comparison.judge(job))).collect();
    if request.affected {
        spread(config, &mut compared);
    }
    compared
}

/// Returns the files that jobs see: snapshots leave out the others.
fn visible_files<'a>(config: &Config, files: &'a [String]) -> Vec<&'a String> {
    let excluded = Globs::new(config.snapshot.exclude.iter().map(String::as_str));
    let is_excluded = |file: &str| excluded.as_ref().is_ok_and(|globs| globs.is_match(Path::new(file)));
    files.iter().filter(|file| !is_excluded(file)).collect()
}

/// Makes every job affected that needs an affected one.
fn spread<'a>(config: &'a Config, compared: &mut BTreeMap<&'a JobId, Result<String, String>>) {
    let mut dependents: BTreeMap<&JobId, Vec<&JobId>> = BTreeMap::new();
    for (id, job) in &config.jobs {
        job.needs.iter().for_each(|need| dependents.entry(need).or_default().push(id));
    }
    let affected = compared.iter().filter(|(_, verdict)| verdict.is_ok());
    let mut open: VecDeque<&JobId> = affected.map(|(job, _)| *job).collect();
    while let Some(need) = open.pop_front() {
        for job in dependents.get(need).into_iter().flatten() {
            if let Some(verdict @ Err(_)) = compared.get_mut(job) {
                *verdict = Ok(format!("{need}, which it needs, is affected"));
                open.push_back(job);
            }
        }
    }
}

/// The change of the job file.
enum JobFileChange<'a> {
    /// It didn't change.
    None,
    /// It changed, and it is readable as it was before.
    Readable(&'a Config),
    /// It changed, and may define every job differently.
    Unreadable,
}

impl<'a> JobFileChange<'a> {
    fn new(files: &[String], before: Option<&'a Config>) -> Self {
        match before {
            _ if !has_job_file(files) => Self::None,
            Some(before) => Self::Readable(before),
            None => Self::Unreadable,
        }
    }
}

/// The comparison of jobs with changed files, one by one.
struct Comparison<'a> {
    config: &'a Config,
    /// The comparison, as the end of a sentence.
    against: &'a str,
    job_file: JobFileChange<'a>,
    only_affected: bool,
    /// True if a file changed that jobs see.
    has_changes: bool,
    /// The first file that may have changed, because git ignores it.
    ignored: Option<&'a String>,
    /// For each guest that is made from a changed file, the first such file.
    guest_files: BTreeMap<&'a str, &'a str>,
    /// For each glob that matches a file, the first such file; `None` if the globs are too large to be compiled.
    matches: Option<BTreeMap<&'a str, &'a str>>,
}

impl Comparison<'_> {
    fn judge(&self, id: &JobId) -> Result<String, String> {
        let (job, against) = (&self.config.jobs[id], self.against);
        match self.job_file {
            JobFileChange::Unreadable => return Ok("pikaci.nix changed".to_owned()),
            JobFileChange::Readable(before) if !has_same_definition(id, before, self.config) => {
                return Ok("pikaci.nix defines it differently".to_owned());
            }
            JobFileChange::Readable(_) | JobFileChange::None => {}
        }
        if let Some(file) = self.guest_files.get(job.guest.as_str()) {
            return Ok(format!("its guest is made from {file}, which changed"));
        }
        if job.paths.is_empty() {
            return match self.ignored {
                _ if self.has_changes || !self.only_affected => Ok("it has no paths".into()),
                Some(file) => Ok(format!("{file}, which git ignores, may have changed")),
                None => Err(format!("no file changed {against}")),
            };
        }
        let Some(matches) = &self.matches else { return Ok("its paths are too large to compare".to_owned()) };
        match job.paths.iter().find_map(|glob| matches.get(glob.as_str())) {
            Some(file) => Ok(format!("its paths match {file}")),
            None => Err(format!("no file of its paths changed {against}")),
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
        Some((job, guest, config.snapshot.clone()))
    };
    definition(before) == definition(after)
}

/// Returns for each guest that is made from one of these files the first such file. `system` is the Nix system of the
/// host.
fn guest_files<'a>(config: &'a Config, files: &'a [String], system: &str) -> BTreeMap<&'a str, &'a str> {
    let first = |guest: &Guest| {
        let is_of_nixpkgs = matches!(guest_base(guest, system), Base::Nix | Base::Nixos);
        let is_flake = |file: &str| {
            ["flake.nix", "flake.lock"].contains(&file) || guest.dev_shell.is_some() && file.ends_with("/flake.nix")
        };
        files.iter().find(|file| guest.modules.contains(file) || is_of_nixpkgs && is_flake(file))
    };
    config.guests.iter().filter_map(|(name, guest)| Some((name.as_str(), first(guest)?.as_str()))).collect()
}

fn first_matches<'a>(
    globs: impl Iterator<Item = &'a String>,
    files: impl Iterator<Item = &'a String>,
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
