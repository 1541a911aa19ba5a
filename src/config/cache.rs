//! A cache of a job file.

/// A cache: a folder whose content outlives the jobs that use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache {
    /// The folder, relative to the workspace, or to the home of the job with `~/` first.
    pub path: String,
    /// Globs of the files whose content selects a generation; empty if all generations are for the same key.
    pub key: Vec<String>,
    /// Maximum size, in MiB.
    pub size_mib: u64,
    /// True if a job waits for another one that fills the cache first.
    pub single_flight: bool,
    /// True if the content is kept after a failure too.
    pub keeps_failures: bool,
}
