//! Removing a folder that a guest could write.

#![expect(clippy::disallowed_methods, reason = "removes files and folders")]

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use crate::failpoint::{Point, around};

/// What the owner of a folder needs to empty it.
const OPEN: u32 = 0o700;

/// Removes a folder with all that is in it, whatever its modes and however deep it is; `std::fs::remove_dir_all` stops at
/// the first folder that forbids writing. Nobody else may write there any more: the guest has ended.
///
/// # Errors
/// When something can't be removed; what is left of the folder then stays.
pub fn remove(folder: &Path) -> Result<()> {
    remove_flat(folder).with_context(|| format!("removing {}", folder.display()))
}

/// Moves each folder that lies deeper right into the one that goes, so that no path gets long and no call goes deep.
fn remove_flat(root: &Path) -> Result<()> {
    let mut folders = remove_files(root)?;
    let prefix = unused_prefix(&folders);
    let mut moved = 0_u64;
    while let Some(folder) = folders.pop() {
        for deeper in remove_files(&folder)? {
            // A folder has an entry that says where it is: it can't be moved by who can't write it.
            open(&deeper)?;
            let place = root.join(format!("{prefix}{moved}"));
            around(Point::Lift, || fs::rename(&deeper, &place))
                .with_context(|| format!("moving {} to {}", deeper.display(), place.display()))?;
            moved += 1;
            folders.push(place);
        }
        fs::remove_dir(&folder).with_context(|| format!("removing {}", folder.display()))?;
    }
    fs::remove_dir(root).context("removing it once it was empty")
}

/// Removes all of a folder but its folders, and returns these.
fn remove_files(folder: &Path) -> Result<Vec<PathBuf>> {
    open(folder)?;
    let reading = || format!("reading {}", folder.display());
    // Before anything of it goes: a list that is still read may then miss what comes next.
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

/// Lets its owner empty a folder.
fn open(folder: &Path) -> Result<()> {
    let meta = fs::symlink_metadata(folder).with_context(|| format!("looking at {}", folder.display()))?;
    ensure!(meta.is_dir(), "{} is no folder", folder.display());
    let mode = meta.permissions().mode();
    if mode & OPEN != OPEN {
        let opened = Permissions::from_mode(mode | OPEN);
        fs::set_permissions(folder, opened).with_context(|| format!("opening {}", folder.display()))?;
    }
    Ok(())
}

/// Returns what no folder's name begins with.
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
    fn what_is_moved_replaces_nothing() {
        let prefix = |names: &[&str]| {
            unused_prefix(&names.iter().map(|name| PathBuf::from("/f").join(name)).collect::<Vec<_>>())
        };
        assert_eq!(prefix(&["0", "a", "-", "5-0"]), "0-");
        assert_eq!(prefix(&["1-5", "0-", "0-0", "3-"]), "2-");
    }
}
