//! The choice of artifacts: the files that the globs of a job match, without those of repositories.

use std::path::Path;

use anyhow::{Context as _, Result};

use crate::glob::Globs;

/// The folder or file that makes a folder a repository; Git runs what it says.
const REPOSITORY: &str = ".git";

/// Decides which files are artifacts of a job.
#[derive(Debug)]
pub struct Filter {
    globs: Globs,
}

impl Filter {
    /// Makes the filter of a job's globs.
    ///
    /// # Errors
    /// When a glob isn't one.
    pub fn new(globs: &[String]) -> Result<Self> {
        let globs = Globs::new(globs.iter().map(String::as_str)).context("reading the globs of artifacts")?;
        Ok(Self { globs })
    }

    /// Returns the reason why a file, by its path in the workspace, is no artifact.
    pub fn refusal(&self, path: &Path) -> Option<&'static str> {
        // Where a disk ignores case, Git does too.
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
