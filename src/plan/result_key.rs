//! The result key of a job, as a value.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{Digest, JobId};

/// The digests of files, by the globs that match them; without globs of all files.
pub type FileDigests = BTreeMap<Vec<String>, Digest>;

/// The result key of a job, with the parts that the plan has nowhere else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ResultKey {
    /// Digest of all parts: jobs with the same digest have the same result.
    pub digest: Digest,
    /// Globs of the files that the job depends on; empty for all files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
    /// Digest of these files.
    pub files: Digest,
    /// Digest of the host's programs, if the job sees them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub userland: Option<Digest>,
    /// Digests of the result keys of the jobs that it needs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub needs: BTreeMap<JobId, Digest>,
}
