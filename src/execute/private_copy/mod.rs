//! A private copy of a folder: whoever gets it may change all of it, and nobody else sees that.
//!
//! It is for hypervisors that can't share a folder read-only. Nothing of it is walked while a guest has it: made before,
//! and removed after.

#![expect(clippy::disallowed_methods, reason = "reads folders and changes owners")]

mod copy;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(test)]
mod tests;

use std::fs;
use std::os::unix::fs::lchown;
use std::path::Path;

use anyhow::{Context as _, Result};

pub use crate::state::remove;
#[cfg(not(target_os = "macos"))]
use copy::copy as make;
#[cfg(target_os = "macos")]
use macos::clone_or_copy as make;

/// Makes a new folder that holds what another one holds: files, folders and symbolic links, which are never followed,
/// with their modes and the times of their last change. Hard links become files of their own, and nothing keeps its
/// setuid bit.
///
/// All of it belongs to `owner` and the group of the same number, or without one to whoever runs pikaci.
///
/// # Errors
/// When something can't be read or made, or isn't one of these three; what was made before stays for [`remove`].
pub fn private_copy(from: &Path, to: &Path, owner: Option<u32>) -> Result<()> {
    make(from, to)?;
    owner.map_or(Ok(()), |owner| give(to, owner))
}

/// Makes somebody the owner of a tree.
fn give(tree: &Path, owner: u32) -> Result<()> {
    let mut folders = vec![tree.to_owned()];
    let give = |path: &Path| {
        lchown(path, Some(owner), Some(owner)).with_context(|| format!("giving {} to user {owner}", path.display()))
    };
    while let Some(folder) = folders.pop() {
        let reading = || format!("reading {}", folder.display());
        for entry in fs::read_dir(&folder).with_context(reading)? {
            let entry = entry.with_context(reading)?;
            if entry.file_type().with_context(reading)?.is_dir() {
                folders.push(entry.path());
            } else {
                give(&entry.path())?;
            }
        }
        give(&folder)?;
    }
    Ok(())
}
