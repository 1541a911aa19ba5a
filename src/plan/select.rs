//! Names and changed files to the jobs that run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::record::LeftOutJob;
use crate::config::Config;
use crate::glob::Globs;
use crate::id::{JobId, TargetId};

/// The name of the job file, which is always in the project's own folder.
pub const JOB_FILE: &str = "pikaci.nix";

/// The files that changed, and compared with what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changes {
    /// `paths` aren't looked at, for this reason.
    NotCompared(String),
    /// These files differ.
    Files {
        /// The files, relative to the project.
        files: Vec<String>,
        /// What they were compared with, for people.
        against: String,
    },
}

/// The jobs of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// The target, or the names that were given.
    pub target_id: TargetId,
    /// What the target is for.
    pub target_description: Option<String>,
    /// The jobs to run, with what they need.
    pub jobs: BTreeSet<JobId>,
    /// The jobs that changed files left out.
    pub left_out: Vec<LeftOutJob>,
    /// Which changes chose the jobs.
    pub scope: String,
}

/// A name that is neither a target nor a job.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no target or job is named {name:?}")]
pub struct UnknownName {
    /// The name.
    pub name: String,
    /// The names there are.
    pub known: Vec<String>,
}

/// Chooses jobs: those named, those of named targets, or all; then, of those that weren't named themselves, the ones
/// whose `paths` match a changed file; then what all these need. A changed job file matches them all: it says what each
/// of them does.
///
/// # Errors
/// When a name is unknown.
pub fn select(config: &Config, names: &[String], changes: &Changes) -> Result<Selection, UnknownName> {
    let mut chosen = BTreeSet::new();
    let mut candidates = BTreeSet::new();
    for name in names {
        let job = JobId::new(name.as_str());
        if let Some(target) = config.targets.get(name) {
            candidates.extend(target.jobs.iter().cloned());
        } else if config.jobs.contains_key(&job) {
            chosen.insert(job);
        } else {
            let jobs = config.jobs.keys().map(|job| job.as_str().to_owned());
            let known = config.targets.keys().cloned().chain(jobs).collect();
            return Err(UnknownName { name: name.clone(), known });
        }
    }
    if names.is_empty() {
        candidates.extend(config.jobs.keys().cloned());
    }
    let mut left_out = BTreeMap::new();
    if let Changes::Files { files, against } = changes
        && !has_job_file(files)
    {
        let open: Vec<&JobId> = candidates.iter().filter(|job| !chosen.contains(*job)).collect();
        let touched = touched(open.iter().flat_map(|job| &config.jobs[*job].paths), files);
        for job in open {
            let paths = &config.jobs[job].paths;
            if !paths.is_empty() && !paths.iter().any(|glob| touched.contains(glob.as_str())) {
                left_out.insert(job.clone(), format!("no file of its paths changed against {against}"));
            }
        }
    }
    chosen.extend(candidates.into_iter().filter(|job| !left_out.contains_key(job)));
    let jobs = with_needs(config, chosen);
    let left_out: Vec<LeftOutJob> = left_out
        .into_iter()
        .filter(|(id, _)| !jobs.contains(id))
        .map(|(id, reason)| LeftOutJob { id, reason })
        .collect();
    Ok(Selection {
        target_id: TargetId::new(if names.is_empty() { "all".to_owned() } else { names.join(" ") }),
        target_description: match names {
            [name] => config.targets.get(name).and_then(|target| target.description.clone()),
            _ => None,
        },
        jobs,
        left_out,
        scope: match changes {
            Changes::NotCompared(reason) => format!("all: {reason}"),
            Changes::Files { files, against } => {
                let among = if has_job_file(files) { ", pikaci.nix among them" } else { "" };
                format!("{} changed against {against}{among}", count(files.len(), "file"))
            }
        },
    })
}

fn has_job_file(files: &[String]) -> bool {
    files.iter().any(|file| file == JOB_FILE)
}

fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// Returns those globs that match a file, found for all of them at once; all of them where one can't be read, which the
/// reader of the job file refuses, or where they are too large together.
fn touched<'a>(globs: impl Iterator<Item = &'a String>, files: &[String]) -> BTreeSet<&'a str> {
    let globs: BTreeSet<&str> = globs.map(String::as_str).collect();
    let Ok(set) = Globs::new(globs.iter().copied()) else { return globs };
    let matching: BTreeSet<usize> = files.iter().flat_map(|file| set.matching(Path::new(file))).collect();
    globs.into_iter().enumerate().filter(|(place, _)| matching.contains(place)).map(|(_, glob)| glob).collect()
}

/// A glob of a job's `paths` that matches no file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmatched<'a> {
    /// The first job that has it.
    pub job: &'a JobId,
    /// The glob.
    pub glob: &'a str,
}

/// Returns the globs of jobs' `paths` that match none of these files.
#[must_use]
pub fn unmatched<'a>(
    config: &'a Config,
    jobs: impl Iterator<Item = &'a JobId>,
    files: impl Iterator<Item: AsRef<Path>>,
) -> Vec<Unmatched<'a>> {
    let mut open: BTreeMap<&str, &JobId> = BTreeMap::new();
    for (job, glob) in jobs.flat_map(|job| config.jobs[job].paths.iter().map(move |glob| (job, glob))) {
        open.entry(glob).or_insert(job);
    }
    let all: Vec<Unmatched<'_>> = open.into_iter().map(|(glob, job)| Unmatched { job, glob }).collect();
    let Ok(globs) = Globs::new(all.iter().map(|one| one.glob)) else { return Vec::new() };
    let mut matched = BTreeSet::new();
    if !all.is_empty() {
        files.for_each(|file| matched.extend(globs.matching(file.as_ref())));
    }
    all.into_iter().enumerate().filter(|(place, _)| !matched.contains(place)).map(|(_, one)| one).collect()
}

fn with_needs(config: &Config, jobs: BTreeSet<JobId>) -> BTreeSet<JobId> {
    let mut all = BTreeSet::new();
    let mut open: Vec<JobId> = jobs.into_iter().collect();
    while let Some(job) = open.pop() {
        if all.insert(job.clone()) {
            open.extend(config.jobs[&job].needs.iter().cloned());
        }
    }
    all
}
