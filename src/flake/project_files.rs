//! The files of a project for runner flakes.

use std::collections::BTreeMap;

use super::flake_error::FlakeError;
use super::project_lock::ProjectLock;
use super::rendered_flake::FlakeFile;

/// The files of a project that a runner flake may need, by their paths in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProjectFiles(pub BTreeMap<String, Vec<u8>>);

impl ProjectFiles {
    /// Returns the text of a file if the project has the file.
    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, FlakeError> {
        let not_text = |_| FlakeError::Lock { message: format!("the project's {name} isn't UTF-8") };
        self.0.get(name).map(|bytes| std::str::from_utf8(bytes).map_err(not_text)).transpose()
    }

    /// Returns the lock if the project has one.
    pub(super) fn lock(&self) -> Result<Option<ProjectLock>, FlakeError> {
        self.text("flake.lock")?.map(ProjectLock::parse).transpose()
    }

    /// Returns the folders of the project whose flakes are inputs of the project's own flake.
    ///
    /// # Errors
    /// When the project's flake.lock is unusable.
    pub fn flake_folders(&self) -> Result<Vec<String>, FlakeError> {
        self.lock()?.map_or_else(|| Ok(Vec::new()), |lock| lock.flake_folders())
    }

    /// Returns a file for a flake.
    pub(super) fn file(&self, name: &str) -> Result<FlakeFile, FlakeError> {
        let bytes = self.0.get(name).ok_or_else(|| FlakeError::NoFile { name: name.to_owned() })?;
        Ok(FlakeFile::inline(bytes.as_slice()))
    }
}
