//! Open files that were inherited from the parent process.

#![expect(clippy::disallowed_methods, reason = "lists the open files of this process")]

use std::fs;
use std::os::fd::{BorrowedFd, RawFd};

use rustix::io::{FdFlags, fcntl_setfd};

/// Marks inherited files, except the standard ones, as closed in every process that this process starts. Must be called
/// before any other thread starts.
pub fn close_inherited_on_exec() {
    let entries = fs::read_dir("/dev/fd").into_iter().flatten().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<RawFd>().ok());
    for number in numbers.filter(|number| *number > 2).collect::<Vec<_>>() {
        #[expect(unsafe_code, reason = "an inherited file has nothing but its number")]
        // SAFETY: no other thread closes files yet. The number of the folder that was listed is closed already, which
        // only makes the call fail.
        let file = unsafe { BorrowedFd::borrow_raw(number) };
        fcntl_setfd(file, FdFlags::CLOEXEC).ok();
    }
}
