//! Syncing of a folder tree, on macOS.

#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "lists and opens the files of the tree")]

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::Path;

use anyhow::{Context as _, Result};
use rayon::prelude::*;
use rustix::fs::fsync;

/// Syncs a folder tree, so that it survives a power loss. Every file is sent to the disk, which then writes its cache
/// once (`F_FULLFSYNC`, see fcntl(2)). macOS has no call that waits for a sync of the whole file system.
///
/// # Errors
/// When something in the folder can't be opened or written.
pub fn sync_tree(folder: &Path) -> Result<()> {
    let synced = send_tree(folder).and_then(|()| File::open(folder)?.sync_all());
    synced.with_context(|| format!("syncing {}", folder.display()))
}

fn send_tree(folder: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => return Ok(()),
        entries => entries?.collect::<io::Result<Vec<_>>>()?,
    };
    entries.par_iter().try_for_each(|entry| {
        let kind = entry.file_type()?;
        if kind.is_dir() {
            send_tree(&entry.path())
        } else if kind.is_file() {
            send_file(&entry.path())
        } else {
            Ok(())
        }
    })?;
    send_file(folder)
}

fn send_file(path: &Path) -> io::Result<()> {
    match File::open(path) {
        // A file that a job made unreadable needs no sync.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(()),
        file => Ok(fsync(file?)?),
    }
}
