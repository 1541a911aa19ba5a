//! Processes that can't prompt at the terminal.

#![expect(clippy::disallowed_types, reason = "prepares processes")]

use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use rustix::fs::{Mode, OFlags, open};

nix::ioctl_none_bad!(
    /// Releases the controlling terminal of this process (`ioctl_tty(2)`).
    release_terminal,
    nix::libc::TIOCNOTTY
);

/// Makes the process of a command leave its controlling terminal, and with it `/dev/tty`, before the program starts. A
/// session of its own would do the same, but a process group can't span sessions.
pub(super) fn leave_terminal(command: &mut Command) {
    #[expect(unsafe_code, reason = "the standard library has no safe way to leave the terminal")]
    // SAFETY: between fork and exec, the function only makes system calls; it neither allocates nor takes a lock.
    unsafe {
        command.pre_exec(leave);
    }
}

fn leave() -> io::Result<()> {
    // Without a controlling terminal, /dev/tty can't be opened.
    let Ok(terminal) = open(c"/dev/tty", OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()) else {
        return Ok(());
    };
    #[expect(unsafe_code, reason = "the operation has no safe function")]
    // SAFETY: the file is open, and the operation has no argument.
    unsafe {
        release_terminal(terminal.as_raw_fd())?;
    }
    Ok(())
}
