//! The filter of artifacts: files that the globs of a job match, except those of repositories.

use std::path::Path;

use anyhow::{Context as _, Result};

use crate::glob::Globs;

/// Name of the folder or file that makes a folder a repository. Git runs programs that it names.
const REPOSITORY: &str = ".git";

/// The filter of a job's artifacts.
#[derive(Debug)]
pub struct ArtifactFilter {
    globs: Globs,
}

impl ArtifactFilter {
    /// Creates the filter of a job's globs.
    ///
    /// # Errors
    /// When a glob is invalid.
    pub fn new(globs: &[String]) -> Result<Self> {
        let globs = Globs::new(globs.iter().map(String::as_str)).context("reading the globs of artifacts")?;
        Ok(Self { globs })
    }

    /// Returns the reason for which a file isn't an artifact, given its path in the workspace.
    pub fn refusal(&self, path: &Path) -> Option<&'static str> {
        // On a file system that ignores case, Git does too.
        let repository = path.iter().any(|name| name.eq_ignore_ascii_case(REPOSITORY));
        if repository {
            Some("is part of a repository")
        } else if !self.globs.is_match(path) {
            Some("matches no glob of the job")
        } else {
            None
        }
    }
}
