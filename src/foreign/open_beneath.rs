//! Opens a path beneath a folder on Linux.

use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};
use rustix::io::Errno;

use super::open_by_component::open_by_component;

/// Opens a path beneath a folder. Neither the path nor any folder on the way may be a link.
///
/// # Errors
/// When the path doesn't exist or may not be opened (`LOOP` for a link, `XDEV` for a path that leads out of the folder).
pub fn open_beneath(folder: BorrowedFd<'_>, path: &Path, flags: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    loop {
        match openat2(folder, path, flags | OFlags::CLOEXEC, mode, resolve) {
            // A component of the path was renamed during the call.
            Err(Errno::AGAIN) => {}
            // Linux before 5.6, or a system call filter that doesn't have openat2 yet.
            Err(Errno::NOSYS | Errno::PERM) => return open_by_component(folder, path, flags, mode),
            result => return result,
        }
    }
}
