//! Removing a folder that a guest could write.

#![expect(clippy::disallowed_methods, reason = "removes files and folders")]

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use super::TEMPORARY_PREFIX;
use crate::failpoint::{Point, around};

/// What the owner of a folder needs to empty it.
const OPEN: u32 = 0o700;

/// Removes a folder with all that is in it, whatever its modes and however deep it is; `std::fs::remove_dir_all` stops at
/// the first folder that forbids writing. Nobody else may write there any more: the guest has ended.
///
/// # Errors
/// When something can't be removed; what is left of the folder then lies beside where it was.
pub fn remove(folder: &Path) -> Result<()> {
    let removing = || format!("removing {}", folder.display());
    let beside = folder.parent().with_context(removing)?;
    let pit = tempfile::Builder::new().prefix(TEMPORARY_PREFIX).tempdir_in(beside).with_context(removing)?;
    // Kept, since what removes a temporary folder when it is dropped goes as deep as the guest went.
    let mut pit = Pit { path: pit.keep(), thrown: 0 };
    pit.throw(folder).and_then(|()| pit.empty()).with_context(removing)
}

/// A folder that folders are thrown into from wherever they lie, so that no path gets long and no call goes deep.
struct Pit {
    path: PathBuf,
    thrown: u64,
}

impl Pit {
    fn place(&self, number: u64) -> PathBuf {
        self.path.join(number.to_string())
    }

    /// Moves a folder here, opened to its owner.
    fn throw(&mut self, folder: &Path) -> Result<()> {
        let place = self.place(self.thrown);
        let meta = fs::symlink_metadata(folder).with_context(|| format!("looking at {}", folder.display()))?;
        ensure!(meta.is_dir(), "{} is no folder", folder.display());
        let mode = meta.permissions().mode();
        if mode & OPEN != OPEN {
            let opened = Permissions::from_mode(mode | OPEN);
            fs::set_permissions(folder, opened).with_context(|| format!("opening {}", folder.display()))?;
        }
        around(Point::Throw, || fs::rename(folder, &place))
            .with_context(|| format!("moving {} to {}", folder.display(), place.display()))?;
        self.thrown += 1;
        Ok(())
    }

    /// Removes all that is here or comes by it, and the pit itself.
    fn empty(mut self) -> Result<()> {
        let mut removed = 0;
        while removed < self.thrown {
            let folder = self.place(removed);
            for (path, is_folder) in list(&folder).with_context(|| format!("reading {}", folder.display()))? {
                if is_folder {
                    self.throw(&path)?;
                } else {
                    fs::remove_file(&path).with_context(|| format!("removing {}", path.display()))?;
                }
            }
            fs::remove_dir(&folder).with_context(|| format!("removing {}", folder.display()))?;
            removed += 1;
        }
        fs::remove_dir(&self.path).with_context(|| format!("removing {}", self.path.display()))
    }
}

/// Returns what a folder holds, and whether that is a folder, before anything of it goes: a list that is still read may
/// then miss what comes next.
fn list(folder: &Path) -> io::Result<Vec<(PathBuf, bool)>> {
    fs::read_dir(folder)?.map(|entry| entry.and_then(|entry| Ok((entry.path(), entry.file_type()?.is_dir())))).collect()
}
