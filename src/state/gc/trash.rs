//! The trash folder: candidates are moved there at once, and removed later.

#![expect(clippy::disallowed_methods, reason = "moves and removes files")]

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::candidate::{Candidate, RemovalGuard};
use super::meter::Meter;
use crate::failpoint::{Point, run_step};
use crate::record::{FailedRemoval, RemovedItem, RemovedKind};
use crate::state::file_lock::FileLock;
use crate::state::remove_tree::remove_tree;
use crate::state::state_layout::StateLayout;

/// Prefix of the folder's name, which is a temporary one.
pub(super) const TRASH_PREFIX: &str = ".tmp-gc-";
/// Mode bits that the owner of a folder needs to move it.
const OWNER_ACCESS: u32 = 0o700;

/// A folder for removed files. It lies in the state folder, so that a move is a single rename.
pub(super) struct Trash<'a> {
    state: &'a StateLayout,
    folder: Option<PathBuf>,
    moved: Vec<MovedItem>,
    failed: Vec<FailedRemoval>,
    count: u64,
}

/// A candidate that was moved to the trash.
struct MovedItem {
    kind: RemovedKind,
    /// Path before the move.
    name: PathBuf,
    paths: Vec<PathBuf>,
}

impl<'a> Trash<'a> {
    /// Returns an empty trash, whose folder is created for the first candidate.
    pub(super) fn new(state: &'a StateLayout) -> Self {
        Self { state, folder: None, moved: Vec::new(), failed: Vec::new(), count: 0 }
    }

    /// Moves a candidate to the trash, unless another process holds its guard or removed it already.
    pub(super) fn take(&mut self, candidate: &Candidate) {
        let name = candidate.name();
        match self.move_here(candidate) {
            Ok(paths) if paths.is_empty() => {}
            Ok(paths) => self.moved.push(MovedItem { kind: candidate.kind, name, paths }),
            Err(error) => self.failed.push(FailedRemoval { path: name, error: format!("{error:#}") }),
        }
    }

    fn move_here(&mut self, candidate: &Candidate) -> Result<Vec<PathBuf>> {
        let _lock = match &candidate.guard {
            RemovalGuard::Nothing => None,
            RemovalGuard::Existing(lock) if !lock.is_there() => None,
            RemovalGuard::Existing(lock) => match FileLock::try_existing(Point::RemovalGuard, lock)? {
                None => return Ok(Vec::new()),
                lock => lock,
            },
            RemovalGuard::Lock(lock) => match FileLock::try_exclusive(Point::RemovalGuard, lock)? {
                None => return Ok(Vec::new()),
                lock => lock,
            },
            RemovalGuard::Folder(folder) => match FileLock::try_folder(Point::RemovalGuard, folder)? {
                None => return Ok(Vec::new()),
                lock => lock,
            },
        };
        let mut paths = Vec::new();
        for path in &candidate.paths {
            let target = self.next_path()?;
            match run_step(Point::MoveToTrash, || move_to(path.checked()?, &target)) {
                Ok(()) => paths.push(target),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error).with_context(|| format!("moving {} to the trash", path.display())),
            }
        }
        Ok(paths)
    }

    fn next_path(&mut self) -> Result<PathBuf> {
        let folder = if let Some(folder) = &self.folder {
            folder
        } else {
            let created = tempfile::Builder::new().prefix(TRASH_PREFIX).tempdir_in(self.state.root());
            let created = created.with_context(|| format!("making a folder in {}", self.state.root().display()))?;
            self.folder.insert(created.keep())
        };
        self.count += 1;
        Ok(folder.join(self.count.to_string()))
    }

    /// Removes the content of the trash, and returns the removed items and the failures. The next garbage collection
    /// tries the failures again.
    pub(super) fn empty(&mut self) -> (Vec<RemovedItem>, Vec<FailedRemoval>) {
        let mut removed = Vec::new();
        let mut meter = Meter::default();
        for MovedItem { kind, name, paths } in std::mem::take(&mut self.moved) {
            let bytes = meter.add(&paths);
            match run_step(Point::EmptyTrash, || paths.iter().try_for_each(|path| remove_any(path))) {
                Ok(()) => removed.push(RemovedItem { kind, path: name, bytes }),
                Err(error) => self.failed.push(FailedRemoval { path: name, error: format!("{error:#}") }),
            }
        }
        // After a failure the folder isn't empty, and the next garbage collection removes it.
        if let Some(folder) = self.folder.take() {
            fs::remove_dir(folder).ok();
        }
        (removed, std::mem::take(&mut self.failed))
    }
}

/// Moves a file or folder of this user.
pub(crate) fn move_to(path: &Path, target: &Path) -> io::Result<()> {
    match fs::rename(path, target) {
        // A move writes the folder's entry `..`, so the folder must be writable.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            let meta = fs::symlink_metadata(path)?;
            let mode = meta.permissions().mode();
            if !meta.is_dir() || mode & OWNER_ACCESS == OWNER_ACCESS {
                return Err(error);
            }
            fs::set_permissions(path, Permissions::from_mode(mode | OWNER_ACCESS))?;
            fs::rename(path, target)
        }
        result => result,
    }
}

fn remove_any(path: &Path) -> Result<()> {
    let meta = fs::symlink_metadata(path).with_context(|| format!("inspecting {}", path.display()))?;
    if meta.is_dir() {
        remove_tree(path)
    } else {
        fs::remove_file(path).with_context(|| format!("removing {}", path.display()))
    }
}
