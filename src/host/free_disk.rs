//! Free space on the host's disks.
#![expect(clippy::disallowed_methods, reason = "checks that folders exist")]

use std::io;
use std::path::Path;

/// Returns the free bytes that this user may use on the disk of a folder. For a missing folder, returns those of the
/// nearest existing folder above it.
///
/// # Errors
/// When the state of the disk can't be read.
pub fn free_disk(folder: &Path) -> io::Result<u64> {
    let existing = folder.ancestors().find(|folder| folder.exists()).unwrap_or(folder);
    let disk = rustix::fs::statvfs(existing)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}
