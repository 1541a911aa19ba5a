//! Syncing of files and folders to the disk.

use anyhow::{Context as _, Result};

use crate::foreign::Beneath;

/// Syncs the names in a folder, so that they survive a power loss.
///
/// # Errors
/// When the folder can't be opened or synced.
pub fn sync_folder(folder: &Beneath) -> Result<()> {
    folder.open_folder().and_then(|file| file.sync_all()).with_context(|| format!("syncing {}", folder.display()))
}

/// Syncs the content of a file, so that it survives a power loss.
///
/// # Errors
/// When the file can't be opened or synced.
pub fn sync_file(path: &Beneath) -> Result<()> {
    path.open().and_then(|file| file.sync_data()).with_context(|| format!("syncing {}", path.display()))
}
