//! Opening a path beneath a folder: Linux's way.

use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};
use rustix::io::Errno;

use super::walk::walk;

/// Opens a path beneath a folder; neither it nor anything on the way may be a link.
///
/// # Errors
/// When it isn't there or may not be opened (`LOOP` for a link, `XDEV` for a path that leads out of the folder).
pub fn resolve(folder: BorrowedFd<'_>, path: &Path, flags: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    loop {
        match openat2(folder, path, flags | OFlags::CLOEXEC, mode, resolve) {
            // Something on the way was renamed meanwhile.
            Err(Errno::AGAIN) => {}
            // Linux before 5.6, or a filter of system calls from then.
            Err(Errno::NOSYS | Errno::PERM) => return walk(folder, path, flags, mode),
            result => return result,
        }
    }
}
