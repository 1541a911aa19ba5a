//! Selection of jobs by names and by changed files.

use std::collections::{BTreeMap, BTreeSet};

pub use super::changes::{Changes, JOB_FILE, JOB_FILES};
use super::changes::{compare, has_job_file};
use super::matching_jobs::matching_jobs;
use super::record::LeftOutJob;
use super::selection_request::SelectionRequest;
use crate::config::Config;
use crate::id::{JobId, RunId, TargetId};
use crate::text::count;

/// The jobs of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// The target, or the names of the command line.
    pub target_id: TargetId,
    /// The purpose of the target.
    pub target_description: Option<String>,
    /// The jobs to run.
    pub jobs: BTreeSet<JobId>,
    /// The reason for which each of the jobs runs.
    pub reasons: BTreeMap<JobId, String>,
    /// The jobs that the changed files or the operator left out.
    pub left_out: Vec<LeftOutJob>,
    /// The changes that the jobs were selected by, for messages.
    pub scope: String,
    /// The run of whose failed jobs these are.
    pub failed_in: Option<RunId>,
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
/// A named job is selected regardless of the changed files, unless only affected jobs are requested. The jobs of a named
/// target, or all jobs if there are no names, are selected if their `paths` match a changed file or they have none, and if
/// the job file changed them or their guest. On request affected jobs affect the jobs that need them. Legs that `adjust`
/// skips and skipped jobs are never selected.
///
/// # Errors
/// When neither a target nor a job has one of the names.
pub fn select(config: &Config, request: &SelectionRequest, changes: &Changes) -> Result<Selection, UnknownName> {
    let skipped = skipped_jobs(config, &request.skip)?;
    let candidates = candidates(config, request)?;
    let ids = config.jobs.keys().filter(|id| candidates.contains_key(id));
    let compared = compare(config, ids, changes, request);
    let mut reasons = BTreeMap::new();
    let mut left_out = BTreeMap::new();
    for (id, named) in candidates {
        let job = &config.jobs[&id];
        let left_out_job = |reason, skipped| LeftOutJob { id: id.clone(), reason, skipped };
        if let Some(reason) = skipped.get(&id).or(job.skip.as_ref()) {
            left_out.insert(id.clone(), left_out_job(reason.clone(), true));
            continue;
        }
        match named.filter(|_| !request.affected).map_or_else(|| compared[&id].clone(), Ok) {
            Ok(reason) => drop(reasons.insert(id, reason)),
            Err(reason) => drop(left_out.insert(id.clone(), left_out_job(reason, false))),
        }
    }
    let mut open: Vec<JobId> = if request.only { Vec::new() } else { reasons.keys().cloned().collect() };
    while let Some(id) = open.pop() {
        for need in &config.jobs[&id].needs {
            if let Some(reason) = skipped.get(need) {
                let job = LeftOutJob { id: need.clone(), reason: reason.clone(), skipped: true };
                left_out.insert(need.clone(), job);
            } else if !reasons.contains_key(need) {
                left_out.remove(need);
                reasons.insert(need.clone(), format!("{id} needs it"));
                open.push(need.clone());
            }
        }
    }
    let names = &request.names;
    Ok(Selection {
        target_id: TargetId::new(if names.is_empty() { "all".to_owned() } else { names.join(" ") }),
        target_description: match names.as_slice() {
            [name] => config.targets.get(name).and_then(|target| target.description.clone()),
            _ => None,
        },
        jobs: reasons.keys().cloned().collect(),
        reasons,
        left_out: left_out.into_values().collect(),
        scope: scope(request, changes),
        failed_in: request.failed.as_ref().map(|failed| failed.run.clone()),
    })
}

/// Returns the jobs among which changes select, with the reason for each job that runs regardless of them.
fn candidates(config: &Config, request: &SelectionRequest) -> Result<BTreeMap<JobId, Option<String>>, UnknownName> {
    let mut candidates = BTreeMap::new();
    if request.names.is_empty() {
        candidates.extend(config.jobs.keys().map(|job| (job.clone(), None)));
    }
    for name in &request.names {
        for job in jobs_named(config, name)? {
            let reason = (!config.targets.contains_key(name)).then(|| "named on the command line".to_owned());
            let earlier = candidates.entry(job).or_default();
            *earlier = reason.or(earlier.take());
        }
    }
    if let Some(failed) = &request.failed {
        candidates.retain(|job, _| failed.jobs.contains(job));
        for reason in candidates.values_mut() {
            *reason = Some(format!("it didn't pass in run {}", failed.run));
        }
    }
    Ok(candidates)
}

/// Returns the skipped jobs, each with the option that skips it.
fn skipped_jobs(config: &Config, patterns: &[String]) -> Result<BTreeMap<JobId, String>, UnknownName> {
    let mut skipped = BTreeMap::new();
    for pattern in patterns {
        skipped.extend(jobs_named(config, pattern)?.into_iter().map(|job| (job, format!("--skip {pattern}"))));
    }
    Ok(skipped)
}

/// Returns the jobs of a target, or those that a pattern matches.
fn jobs_named(config: &Config, name: &str) -> Result<Vec<JobId>, UnknownName> {
    let jobs = match config.targets.get(name) {
        Some(target) => return Ok(target.jobs.clone()),
        None => matching_jobs(config, name),
    };
    if jobs.is_empty() {
        let jobs = config.jobs.keys().map(|job| job.as_str().to_owned());
        return Err(UnknownName { name: name.to_owned(), names: config.targets.keys().cloned().chain(jobs).collect() });
    }
    Ok(jobs)
}

fn scope(request: &SelectionRequest, changes: &Changes) -> String {
    match (changes, &request.failed) {
        (_, Some(failed)) if !request.affected => format!("what didn't pass in run {}", failed.run),
        (Changes::NotCompared(reason), _) => format!("all: {reason}"),
        (Changes::Files { files, comparison, .. }, _) => {
            let among = if has_job_file(files) { ", pikaci.nix among them" } else { "" };
            format!("{} changed {comparison}{among}", count(files.len(), "file"))
        }
    }
}

#[cfg(test)]
mod tests;
