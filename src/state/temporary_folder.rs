//! Folders among temporary files, for what lives as long as a process that pikaci runs.

#![expect(clippy::disallowed_methods, reason = "makes and removes folders where temporary files go")]

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

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

    /// Removes it, whatever was made in it.
    ///
    /// # Errors
    /// When something in it can't be removed; what is left then stays.
    pub fn remove(self) -> Result<()> {
        remove(&self.folder.keep())
    }

    /// Removes the folders that killed processes of this user left; skips one that can't be removed.
    pub fn sweep() {
        sweep_in(&std::env::temp_dir());
        sweep_in(Path::new("/tmp"));
        Self::sweep_outside();
    }

    /// Removes those of them that are in the cache, see [`folder_outside`].
    pub fn sweep_outside() {
        if let Some(folder) = cache_folder() {
            sweep_in(&folder);
        }
    }
}

fn sweep_in(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().filter_map(Result::ok) {
        if entry.file_name().as_bytes().starts_with(PREFIX.as_bytes())
            && entry.metadata().is_ok_and(|folder| folder.is_dir() && is_own(&folder))
            && let Ok(Some(_left)) = FileLock::try_folder(Point::Sweep, &Beneath::new(entry.path()))
        {
            remove(&entry.path()).ok();
        }
    }
}

/// Returns a folder for copies of a source tree in which programs that look upwards find nothing of the tree's project:
/// pikaci's folder in the cache of this user, who alone can put something there. Where there is none, or it is inside of
/// the project, temporary files go there.
#[must_use]
pub fn folder_outside(source_root: &Path) -> PathBuf {
    let project = source_root.ancestors().filter(|folder| folder.join(".git").symlink_metadata().is_ok()).last();
    let is_outside = |folder: &PathBuf| !folder.starts_with(project.unwrap_or(source_root));
    // Nothing is made in the project, nor does a link lead into it.
    let made = cache_folder().filter(is_outside).filter(|folder| {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).is_ok()
            && fs::metadata(folder).is_ok_and(|folder| is_own(&folder))
    });
    let resolved = made.and_then(|folder| folder.canonicalize().ok());
    resolved.filter(is_outside).unwrap_or_else(std::env::temp_dir)
}

/// Returns pikaci's folder in the cache of this user, if the user has a home: that of another, as `sudo` leaves it in the
/// environment, isn't one.
fn cache_folder() -> Option<PathBuf> {
    let path = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = path("XDG_CACHE_HOME").or_else(|| Some(path("HOME")?.join(".cache")))?;
    let existing = cache.ancestors().find_map(|folder| fs::metadata(folder).ok())?;
    is_own(&existing).then(|| cache.join("pikaci"))
}

fn is_own(folder: &fs::Metadata) -> bool {
    folder.uid() == rustix::process::getuid().as_raw()
}
