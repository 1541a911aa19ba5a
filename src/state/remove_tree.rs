//! Removal of a folder tree that a guest could write to.

#![expect(clippy::disallowed_methods, reason = "removes files and folders")]

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use crate::failpoint::{Point, run_step};

/// Mode bits that the owner of a folder needs to empty it.
const OWNER_ACCESS: u32 = 0o700;

/// Removes a folder and its content, at any depth and with any modes. `std::fs::remove_dir_all` stops at the first
/// folder that forbids writing. Nobody else may write to the folder any more: the guest must have ended.
///
/// # Errors
/// When something can't be removed; the rest of the folder then stays.
pub fn remove_tree(folder: &Path) -> Result<()> {
    remove_flat(folder).with_context(|| format!("removing {}", folder.display()))
}

/// Moves each inner folder into the root before it is emptied, so that no path gets long and no call nests deep.
fn remove_flat(root: &Path) -> Result<()> {
    let mut folders = remove_files(root)?;
    let prefix = unused_prefix(&folders);
    let mut moved = 0_u64;
    while let Some(folder) = folders.pop() {
        for deeper in remove_files(&folder)? {
            // A move writes the folder's entry `..`, so the folder must be writable.
            grant_access(&deeper)?;
            let target = root.join(format!("{prefix}{moved}"));
            run_step(Point::MoveUp, || fs::rename(&deeper, &target))
                .with_context(|| format!("moving {} to {}", deeper.display(), target.display()))?;
            moved += 1;
            folders.push(target);
        }
        fs::remove_dir(&folder).with_context(|| format!("removing {}", folder.display()))?;
    }
    fs::remove_dir(root).context("removing the empty folder")
}

/// Removes the files of a folder, and returns its inner folders.
fn remove_files(folder: &Path) -> Result<Vec<PathBuf>> {
    grant_access(folder)?;
    let reading = || format!("reading {}", folder.display());
    // The list is read first: removing files during the reading may hide entries.
    let entries = fs::read_dir(folder).with_context(reading)?.collect::<Result<Vec<_>, _>>().with_context(reading)?;
    let mut folders = Vec::new();
    for entry in entries {
        if entry.file_type().with_context(reading)?.is_dir() {
            folders.push(entry.path());
        } else {
            fs::remove_file(entry.path()).with_context(|| format!("removing {}", entry.path().display()))?;
        }
    }
    Ok(folders)
}

/// Gives the owner of a folder the access that emptying it needs.
fn grant_access(folder: &Path) -> Result<()> {
    let meta = fs::symlink_metadata(folder).with_context(|| format!("inspecting {}", folder.display()))?;
    ensure!(meta.is_dir(), "{} is not a folder", folder.display());
    let mode = meta.permissions().mode();
    if mode & OWNER_ACCESS != OWNER_ACCESS {
        let granted = Permissions::from_mode(mode | OWNER_ACCESS);
        fs::set_permissions(folder, granted).with_context(|| format!("changing the mode of {}", folder.display()))?;
    }
    Ok(())
}

/// Returns a prefix of no folder's name.
fn unused_prefix(folders: &[PathBuf]) -> String {
    let names = folders.iter().filter_map(|folder| folder.file_name()?.to_str());
    let numbers: BTreeSet<u64> = names.filter_map(|name| name.split_once('-')?.0.parse().ok()).collect();
    let unused = (0..=numbers.len() as u64).find(|number| !numbers.contains(number));
    format!("{}-", unused.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::unused_prefix;

    #[test]
    fn a_moved_folder_replaces_no_other() {
        let prefix = |names: &[&str]| {
            unused_prefix(&names.iter().map(|name| PathBuf::from("/f").join(name)).collect::<Vec<_>>())
        };
        assert_eq!(prefix(&["0", "a", "-", "5-0"]), "0-");
        assert_eq!(prefix(&["1-5", "0-", "0-0", "3-"]), "2-");
    }
}
