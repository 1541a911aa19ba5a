//! Files in memory, which macOS doesn't have.

use std::io;
use std::os::fd::OwnedFd;

/// Fails: plans refuse the jobs that need such a file.
pub(super) fn memory_file(name: &str, _content: &[u8]) -> io::Result<OwnedFd> {
    Err(io::Error::new(io::ErrorKind::Unsupported, format!("this system has no files in memory, as {name} has to be")))
}
