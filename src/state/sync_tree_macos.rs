//! All of a tree survives a power loss: macOS's way.

#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "lists and opens what is synced")]

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::Path;

use anyhow::{Context as _, Result};
use rayon::prelude::*;
use rustix::fs::fsync;

/// Makes a tree survive a power loss: what it holds is sent to the disk, and the disk writes down all that it was sent,
/// once (`F_FULLFSYNC`, see fcntl(2)). A sync of the whole file system can't be waited for.
///
/// # Errors
/// When something in it can't be opened or written.
pub fn sync_tree(folder: &Path) -> Result<()> {
    let synced = send(folder).and_then(|()| File::open(folder)?.sync_all());
    synced.with_context(|| format!("syncing {}", folder.display()))
}

fn send(folder: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => return Ok(()),
        entries => entries?.collect::<io::Result<Vec<_>>>()?,
    };
    entries.par_iter().try_for_each(|entry| {
        let kind = entry.file_type()?;
        if kind.is_dir() {
            send(&entry.path())
        } else if kind.is_file() {
            sync(&entry.path())
        } else {
            Ok(())
        }
    })?;
    sync(folder)
}

fn sync(path: &Path) -> io::Result<()> {
    match File::open(path) {
        // What a job closed to us is none of our own files.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(()),
        file => Ok(fsync(file?)?),
    }
}
