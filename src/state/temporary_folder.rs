//! Folders among temporary files, for what lives as long as a process that pikaci runs.

#![expect(clippy::disallowed_methods, reason = "makes and removes folders where temporary files go")]

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use super::{FileLock, remove};
use crate::failpoint::Point;
use crate::foreign::Beneath;

/// The prefix of the names of these folders.
const PREFIX: &str = "pikaci-tmp-";

/// A folder that goes when it is dropped. Where pikaci is killed it stays, until [`TemporaryFolder::sweep`] finds that
/// nobody holds it.
#[derive(Debug)]
pub struct TemporaryFolder {
    folder: TempDir,
    _held: FileLock,
}

impl TemporaryFolder {
    /// Makes one in a folder.
    ///
    /// # Errors
    /// When it can't be made.
    pub fn make(parent: &Path) -> Result<Self> {
        loop {
            let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(parent);
            let folder = folder.with_context(|| format!("making a temporary folder in {}", parent.display()))?;
            let held = FileLock::share_of_folder(&Beneath::new(folder.path()));
            // Until it was held, somebody may have swept it away.
            if folder.path().exists() {
                return Ok(Self { folder, _held: held? });
            }
        }
    }

    /// Returns its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Removes the folders that killed processes of this user left; skips one that can't be removed.
    pub fn sweep() {
        for parent in [&std::env::temp_dir(), Path::new("/tmp")] {
            for entry in fs::read_dir(parent).into_iter().flatten().filter_map(Result::ok) {
                let is_ours = |entry: fs::Metadata| entry.is_dir() && entry.uid() == rustix::process::getuid().as_raw();
                if entry.file_name().as_bytes().starts_with(PREFIX.as_bytes())
                    && entry.metadata().is_ok_and(is_ours)
                    && let Ok(Some(_left)) = FileLock::try_folder(Point::Sweep, &Beneath::new(entry.path()))
                {
                    remove(&entry.path()).ok();
                }
            }
        }
    }
}
