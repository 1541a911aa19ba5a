//! Syncing of a folder tree, on Linux.

#![expect(clippy::disallowed_types, reason = "opens the folder")]

use std::fs::File;
use std::path::Path;

use anyhow::{Context as _, Result};
use rustix::fs::syncfs;

/// Syncs a folder tree, so that it survives a power loss. It syncs the whole file system, which is far quicker than
/// file by file.
///
/// # Errors
/// When the folder can't be opened, or the file system can't write something.
pub fn sync_tree(folder: &Path) -> Result<()> {
    let synced = File::open(folder).and_then(|file| Ok(syncfs(file)?));
    synced.with_context(|| format!("syncing {}", folder.display()))
}
