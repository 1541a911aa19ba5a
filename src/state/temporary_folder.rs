//! Temporary folders that live as long as a process that pikaci runs.

#![expect(clippy::disallowed_methods, reason = "creates and removes temporary folders")]

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use super::file_lock::FileLock;
use super::remove_tree::remove_tree;
use crate::failpoint::Point;
use crate::foreign::Beneath;

/// Prefix of the names of these folders.
const PREFIX: &str = "pikaci-tmp-";
/// Folder of files in memory, on Linux.
pub const MEMORY_FOLDER: &str = "/dev/shm";

/// A folder that is removed on drop. If pikaci is killed the folder stays until [`TemporaryFolder::sweep`] removes it.
#[derive(Debug)]
pub struct TemporaryFolder {
    folder: TempDir,
    _lock: FileLock,
}

impl TemporaryFolder {
    /// Creates a temporary folder in another folder.
    ///
    /// # Errors
    /// When it can't be created.
    pub fn make(parent: &Path) -> Result<Self> {
        loop {
            let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(parent);
            let folder = folder.with_context(|| format!("making a temporary folder in {}", parent.display()))?;
            let lock = FileLock::share_folder(&Beneath::new(folder.path()));
            // Before the lock was taken, another process may have removed the folder.
            if folder.path().exists() {
                return Ok(Self { folder, _lock: lock? });
            }
        }
    }

    /// Returns the path of the folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Removes the folder and its content.
    ///
    /// # Errors
    /// When something in it can't be removed; the rest then stays.
    pub fn remove(self) -> Result<()> {
        remove_tree(&self.folder.keep())
    }

    /// Removes the folders that killed processes of this user left. Skips a folder that can't be removed.
    pub fn sweep() {
        sweep_in(&std::env::temp_dir());
        sweep_in(Path::new("/tmp"));
        sweep_in(Path::new(MEMORY_FOLDER));
        Self::sweep_cache();
    }

    /// Removes the leftover folders in this user's cache, see [`folder_outside_project`].
    pub fn sweep_cache() {
        if let Some(folder) = cache_folder() {
            sweep_in(&folder);
        }
    }
}

fn sweep_in(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().filter_map(Result::ok) {
        if entry.file_name().as_bytes().starts_with(PREFIX.as_bytes())
            && entry.metadata().is_ok_and(|folder| folder.is_dir() && is_own(&folder))
            && let Ok(Some(_lock)) = FileLock::try_folder(Point::SocketFolder, &Beneath::new(entry.path()))
        {
            remove_tree(&entry.path()).ok();
        }
    }
}

/// Returns a folder for copies of a source tree. Programs that search the parent folders for a project must not reach
/// the one of the source tree.
///
/// It is pikaci's folder in this user's cache, which nobody else can write to; or the folder of temporary files if
/// there is no cache or the cache lies inside of the project.
#[must_use]
pub fn folder_outside_project(source_root: &Path) -> PathBuf {
    let project = source_root.ancestors().filter(|folder| folder.join(".git").symlink_metadata().is_ok()).last();
    let is_outside = |folder: &PathBuf| !folder.starts_with(project.unwrap_or(source_root));
    // It is checked before the creation, and after links are resolved.
    let created = cache_folder().filter(is_outside).filter(|folder| {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).is_ok()
            && fs::metadata(folder).is_ok_and(|folder| is_own(&folder))
    });
    let resolved = created.and_then(|folder| folder.canonicalize().ok());
    resolved.filter(is_outside).unwrap_or_else(std::env::temp_dir)
}

/// Returns pikaci's folder in this user's cache. Returns `None` if the cache belongs to another user, as with the
/// `HOME` that `sudo` keeps.
fn cache_folder() -> Option<PathBuf> {
    let path = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = path("XDG_CACHE_HOME").or_else(|| Some(path("HOME")?.join(".cache")))?;
    let existing = cache.ancestors().find_map(|folder| fs::metadata(folder).ok())?;
    is_own(&existing).then(|| cache.join("pikaci"))
}

fn is_own(folder: &fs::Metadata) -> bool {
    folder.uid() == rustix::process::getuid().as_raw()
}
