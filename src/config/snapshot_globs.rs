//! The section `snapshot` of a job file.

/// Globs that add files to the snapshots of a project, or leave files out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SnapshotGlobs {
    /// Files that come along although git ignores them.
    pub include: Vec<String>,
    /// Files that stay out, even if git tracks them.
    pub exclude: Vec<String>,
}

impl SnapshotGlobs {
    /// Returns whether there are no globs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.include.is_empty() && self.exclude.is_empty()
    }
}
