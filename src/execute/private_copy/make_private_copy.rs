//! A private copy of a folder, with an owner.

#![expect(clippy::disallowed_methods, reason = "reads folders and changes owners")]

use std::fs;
use std::os::unix::fs::lchown;
use std::path::Path;

use anyhow::{Context as _, Result};

#[cfg(target_os = "macos")]
use super::clone_tree::clone_tree as make;
#[cfg(not(target_os = "macos"))]
use super::copy_tree::copy_tree as make;

/// Copies a folder to a new one: files, folders and symbolic links, with their modes and modification times. Symbolic
/// links are never followed, hard links become separate files, and setuid bits are dropped.
///
/// The copy belongs to `owner` and the group with the same number, or to the user of this process if there is no owner.
///
/// # Errors
/// When an entry can't be read or created, or is of another kind. The caller removes what was created so far, with
/// [`crate::state::remove_tree`].
pub fn make_private_copy(from: &Path, to: &Path, owner: Option<u32>) -> Result<()> {
    make(from, to)?;
    owner.map_or(Ok(()), |owner| change_owner(to, owner))
}

/// Makes `owner` the owner of all entries of a tree.
fn change_owner(tree: &Path, owner: u32) -> Result<()> {
    let mut folders = vec![tree.to_owned()];
    let change = |path: &Path| {
        lchown(path, Some(owner), Some(owner)).with_context(|| format!("giving {} to user {owner}", path.display()))
    };
    while let Some(folder) = folders.pop() {
        let reading = || format!("reading {}", folder.display());
        for entry in fs::read_dir(&folder).with_context(reading)? {
            let entry = entry.with_context(reading)?;
            if entry.file_type().with_context(reading)?.is_dir() {
                folders.push(entry.path());
            } else {
                change(&entry.path())?;
            }
        }
        change(&folder)?;
    }
    Ok(())
}
