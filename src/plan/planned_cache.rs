//! A cache of a planned job.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{Digest, JobId};

/// A cache whose content a job gets and leaves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlannedCache {
    /// Name of the cache.
    pub name: String,
    /// Its folder, relative to the workspace, or to the home of the job with `~/` first.
    pub path: String,
    /// Maximum size of the content, in MiB.
    pub size_mib: u64,
    /// The machine of the job: jobs of another one have generations of their own.
    pub scope: String,
    /// Digests of the files whose content selects a generation, by the globs that match the files.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub key: BTreeMap<String, Digest>,
    /// True if the job may wait for another one that fills the cache.
    pub single_flight: bool,
    /// True if the content is kept after a failure too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keeps_failures: bool,
    /// True if the job leaves no content, because its run isn't trusted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub read_only: bool,
    /// The job of the plan that fills the cache, for whose end this job waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filled_by: Option<JobId>,
}
