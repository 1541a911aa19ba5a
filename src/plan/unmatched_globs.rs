//! Globs of jobs that match no file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::config::Config;
use crate::glob::Globs;
use crate::id::JobId;

/// A glob that matches no file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnmatchedGlob<'a> {
    /// The key that has it: the `paths` of the first job, or a key of `snapshot`.
    pub key: String,
    /// The glob.
    pub glob: &'a str,
}

/// Returns the globs of jobs and of `snapshot.include` that match none of these files, the files of a snapshot.
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
    let of_jobs = open.into_iter().map(|(glob, job)| UnmatchedGlob { key: format!("jobs.{job}.paths"), glob });
    let included = config.snapshot.include.iter().map(|glob| UnmatchedGlob { key: "snapshot.include".into(), glob });
    let all: Vec<UnmatchedGlob<'_>> = included.chain(of_jobs).collect();
    let Ok(globs) = Globs::new(all.iter().map(|unmatched| unmatched.glob)) else { return Vec::new() };
    let mut matched = BTreeSet::new();
    if !all.is_empty() {
        files.for_each(|file| matched.extend(globs.matching_indices(file.as_ref())));
    }
    all.into_iter().enumerate().filter(|(index, _)| !matched.contains(index)).map(|(_, unmatched)| unmatched).collect()
}
