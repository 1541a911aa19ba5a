//! A validated job file.

use std::collections::BTreeMap;

use super::cache::Cache;
use super::guest::{Base, Guest};
use super::job::Job;
use super::secret::Secret;
use super::snapshot_globs::SnapshotGlobs;
use crate::id::JobId;

/// A validated job file, with defaults filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Jobs by id, the legs of a matrix each with its own. Their `needs` name jobs of this map and have no cycle.
    pub jobs: BTreeMap<JobId, Job>,
    /// Guests by name, among them every guest of a job.
    pub guests: BTreeMap<String, Guest>,
    /// Targets by name. Their jobs are keys of `jobs`.
    pub targets: BTreeMap<String, Target>,
    /// Groups by name, each with the number of its jobs that may run at the same time.
    pub groups: BTreeMap<String, u32>,
    /// Caches by name, among them every cache of a job.
    pub caches: BTreeMap<String, Cache>,
    /// Globs that change which files of the project the jobs see.
    pub snapshot: SnapshotGlobs,
    /// Secrets by name, among them every secret of a job.
    pub secrets: BTreeMap<String, Secret>,
}

impl Config {
    /// Returns whether any of `jobs` runs in a virtual machine.
    #[must_use]
    pub fn has_guest<'a>(&self, jobs: impl IntoIterator<Item = &'a JobId>) -> bool {
        self.has_guest_where(jobs, |guest| guest.base != Some(Base::None))
    }

    /// Returns whether the guest of any of `jobs` satisfies `predicate`.
    #[must_use]
    pub fn has_guest_where<'a>(
        &self,
        jobs: impl IntoIterator<Item = &'a JobId>,
        predicate: impl Fn(&Guest) -> bool,
    ) -> bool {
        jobs.into_iter().any(|job| predicate(&self.guests[&self.jobs[job].guest]))
    }
}

/// A named list of jobs that are run together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Purpose of the target, in one line.
    pub description: Option<String>,
    /// The jobs to run; the jobs that they need run too.
    pub jobs: Vec<JobId>,
}
