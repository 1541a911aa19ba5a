//! An input of a job.

use crate::id::JobId;

/// The artifacts of other jobs that are in the workspace of a job before its first command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// The jobs that left the artifacts.
    pub from: Vec<JobId>,
    /// The folder for the artifacts, relative to the workspace; empty for the workspace itself.
    pub to: String,
    /// True if the artifacts of each leg are in a folder of its own below that one.
    pub by_leg: bool,
}

impl Input {
    /// Returns the folder for the artifacts of one of the jobs, relative to the workspace; empty for the workspace
    /// itself.
    #[must_use]
    pub fn folder(&self, job: &JobId) -> String {
        let leg = if self.by_leg { leg_folder(job) } else { "" };
        [self.to.as_str(), leg].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
    }
}

/// Returns the name of the folder for the artifacts of a leg: its axes with their values.
pub(super) fn leg_folder(job: &JobId) -> &str {
    job.as_str().split_once('[').and_then(|(_, axes)| axes.strip_suffix(']')).unwrap_or_default()
}
