#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "copies and syncs files")]
//! What macOS offers to copy much and to have it survive.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use rayon::prelude::*;
use rustix::fs::fsync;

/// Copies what a file holds into a new, empty one.
///
/// All of it: APFS tells of holes where there is data (GNU bug 61386). A clone would be a new file with more than the
/// content of the old one, with flags that forbid to change it for instance.
///
/// # Errors
/// When the file can't be read or the new one not be written.
pub fn copy_content(source: &mut File, copy: &mut File) -> io::Result<()> {
    io::copy(source, copy).map(drop)
}

/// Makes a tree survive a power loss: what it holds is sent to the disk, and the disk writes down all that it was sent,
/// once (`F_FULLFSYNC`, see fcntl(2)). A sync of the whole file system can't be waited for.
pub(super) fn sync_tree(folder: &Path) -> io::Result<()> {
    send(folder)?;
    File::open(folder)?.sync_all()
}

fn send(folder: &Path) -> io::Result<()> {
    let entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.par_iter().try_for_each(|entry| {
        let kind = entry.file_type()?;
        if kind.is_dir() {
            send(&entry.path())
        } else if kind.is_file() {
            Ok(fsync(File::open(entry.path())?)?)
        } else {
            Ok(())
        }
    })?;
    Ok(fsync(File::open(folder)?)?)
}
