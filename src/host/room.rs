//! The room that is left on disks.
#![expect(clippy::disallowed_methods, reason = "looks for folders")]

use std::io;
use std::path::Path;

/// Returns the bytes that this user may still fill on the disk of a folder, or of the nearest one above that is there.
///
/// # Errors
/// When the disk can't be asked.
pub fn free_disk(folder: &Path) -> io::Result<u64> {
    let there = folder.ancestors().find(|folder| folder.exists()).unwrap_or(folder);
    let disk = rustix::fs::statvfs(there)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}
