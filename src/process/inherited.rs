//! Open files inherited from the parent process.

#![expect(clippy::disallowed_methods, reason = "lists the open files of this process")]

use std::fs;
use std::os::fd::{BorrowedFd, RawFd};

use rustix::io::{FdFlags, fcntl_setfd};

/// Closes inherited files, but for the standard ones, in every process that this one starts. It must be called before any
/// other thread is there.
pub fn close_inherited_on_exec() {
    let entries = fs::read_dir("/dev/fd").into_iter().flatten().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<RawFd>().ok());
    for number in numbers.filter(|number| *number > 2).collect::<Vec<_>>() {
        #[expect(unsafe_code, reason = "a number of an open file is all that there is of what was inherited")]
        // SAFETY: nothing else closes files yet; the number of the folder that was read is open no longer, which is an
        // error of the call and no more.
        let file = unsafe { BorrowedFd::borrow_raw(number) };
        fcntl_setfd(file, FdFlags::CLOEXEC).ok();
    }
}
