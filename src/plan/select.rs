//! Selection of jobs by names and by changed files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use globset::Glob;

use super::record::LeftOutJob;
use crate::config::{Config, JobSelector};
use crate::glob::Globs;
use crate::id::{JobId, TargetId};

/// Name of the job file, which lies in the project's folder.
pub const JOB_FILE: &str = "pikaci.nix";
/// Names of the job file: a project has one of them.
pub const JOB_FILES: [&str; 2] = [JOB_FILE, "pikaci.json"];

/// The files that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changes {
    /// `paths` aren't compared with files, for this reason.
    NotCompared(String),
    /// The files that differ from a commit.
    Files {
        /// The files, relative to the project.
        files: Vec<String>,
        /// Name of the compared commit, for messages.
        against: String,
    },
}

/// The jobs of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// The target, or the names of the command line.
    pub target_id: TargetId,
    /// The purpose of the target.
    pub target_description: Option<String>,
    /// The jobs to run, with the jobs that they need.
    pub jobs: BTreeSet<JobId>,
    /// The jobs that the changed files left out.
    pub left_out: Vec<LeftOutJob>,
    /// The changes that the jobs were selected by, for messages.
    pub scope: String,
}

/// A name that is neither a target nor a job.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no target or job is named {name:?}")]
pub struct UnknownName {
    /// The name.
    pub name: String,
    /// The existing names.
    pub names: Vec<String>,
}

/// Selects jobs, and all jobs that they need.
///
/// A named job is always selected, unless `adjust` skips it. The jobs of a named target, or all jobs if there are no names, are selected if their
/// `paths` match a changed file. A changed job file matches every job, because it defines them all.
///
/// # Errors
/// When neither a target nor a job has one of the names.
pub fn select(config: &Config, names: &[String], changes: &Changes) -> Result<Selection, UnknownName> {
    let mut chosen = BTreeSet::new();
    let mut candidates = BTreeSet::new();
    for name in names {
        match (config.targets.get(name), matching_jobs(config, name)) {
            (Some(target), _) => candidates.extend(target.jobs.iter().cloned()),
            (None, jobs) if !jobs.is_empty() => chosen.extend(jobs),
            (None, _) => {
                let jobs = config.jobs.keys().map(|job| job.as_str().to_owned());
                let names = config.targets.keys().cloned().chain(jobs).collect();
                return Err(UnknownName { name: name.clone(), names });
            }
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
        let matching = matching_globs(open.iter().flat_map(|job| &config.jobs[*job].paths), files);
        for job in open {
            let paths = &config.jobs[job].paths;
            if !paths.is_empty() && !paths.iter().any(|glob| matching.contains(glob.as_str())) {
                left_out.insert(job.clone(), format!("no file of its paths changed against {against}"));
            }
        }
    }
    chosen.extend(candidates.into_iter().filter(|job| !left_out.contains_key(job)));
    for id in &chosen {
        if let Some(reason) = &config.jobs[id].skip {
            left_out.insert(id.clone(), reason.clone());
        }
    }
    chosen.retain(|job| !left_out.contains_key(job));
    let jobs = with_needs(config, chosen);
    let left_out: Vec<LeftOutJob> = left_out
        .into_iter()
        .filter(|(id, _)| !jobs.contains(id))
        .map(|(id, reason)| LeftOutJob { skipped: config.jobs[&id].skip.is_some(), id, reason })
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

/// Returns the jobs that a name of the command line means: a job, a leg, or all legs with some values. `*` and `?` match
/// any characters of the job's name.
#[must_use]
pub fn matching_jobs(config: &Config, pattern: &str) -> Vec<JobId> {
    let Some(selector) = JobSelector::parse(pattern) else { return Vec::new() };
    let glob = Glob::new(&pattern_glob(selector.name)).ok().map(|glob| glob.compile_matcher());
    let matches = |id: &&JobId| {
        let leg = JobSelector::of_id(id);
        let is_named = leg.name == selector.name || glob.as_ref().is_some_and(|glob| glob.is_match(leg.name));
        is_named && selector.matches_axes(&leg)
    };
    config.jobs.keys().filter(matches).cloned().collect()
}

/// Returns the pattern of a name as a glob in which only `*` and `?` have a meaning.
fn pattern_glob(name: &str) -> String {
    name.chars().flat_map(|c| if "{}\\!".contains(c) { vec!['\\', c] } else { vec![c] }).collect()
}

fn has_job_file(files: &[String]) -> bool {
    files.iter().any(|file| JOB_FILES.contains(&file.as_str()))
}

fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// Returns the globs that match a file. If the globs can't be compiled together, because they are too large, returns
/// all of them.
fn matching_globs<'a>(globs: impl Iterator<Item = &'a String>, files: &[String]) -> BTreeSet<&'a str> {
    let globs: BTreeSet<&str> = globs.map(String::as_str).collect();
    let Ok(set) = Globs::new(globs.iter().copied()) else { return globs };
    let matching: BTreeSet<usize> = files.iter().flat_map(|file| set.matching_indices(Path::new(file))).collect();
    globs.into_iter().enumerate().filter(|(index, _)| matching.contains(index)).map(|(_, glob)| glob).collect()
}

/// A glob of a job's `paths` that matches no file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnmatchedGlob<'a> {
    /// The first job that has it.
    pub job: &'a JobId,
    /// The glob.
    pub glob: &'a str,
}

/// Returns the globs in the `paths` of jobs that match none of these files.
#[must_use]
pub fn unmatched_globs<'a>(
    config: &'a Config,
    jobs: impl Iterator<Item = &'a JobId>,
    files: impl Iterator<Item: AsRef<Path>>,
) -> Vec<UnmatchedGlob<'a>> {
    let mut open: BTreeMap<&str, &JobId> = BTreeMap::new();
    for (job, glob) in jobs.flat_map(|job| config.jobs[job].paths.iter().map(move |glob| (job, glob))) {
        open.entry(glob).or_insert(job);
    }
    let all: Vec<UnmatchedGlob<'_>> = open.into_iter().map(|(glob, job)| UnmatchedGlob { job, glob }).collect();
    let Ok(globs) = Globs::new(all.iter().map(|unmatched| unmatched.glob)) else { return Vec::new() };
    let mut matched = BTreeSet::new();
    if !all.is_empty() {
        files.for_each(|file| matched.extend(globs.matching_indices(file.as_ref())));
    }
    all.into_iter().enumerate().filter(|(index, _)| !matched.contains(index)).map(|(_, unmatched)| unmatched).collect()
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
