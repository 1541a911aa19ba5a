//! The limit of open files of a share's daemon.

use std::io::Read as _;

use anyhow::{Context as _, Result};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::foreign::Beneath;

/// Maximum number of open files of a daemon: the default limit of Linux for a process (`fs.nr_open`).
const MAX_FILES: u64 = 1 << 20;

/// Message of virtiofsd when it reaches its limit (`guest_fd_limit.rs` in its sources). The guest can't open another
/// file after it.
const LIMIT_MESSAGE: &[u8] = b"No more file descriptors available to the guest";
/// Length of the start of a log that is searched for the message, in bytes. Daemons print little.
const SEARCHED_BYTES: u64 = 1 << 20;

/// Returns the number of files that a daemon may hold open. It holds one for each file that the guest has opened or
/// listed. Raises the limit to `MAX_FILES` if this process may.
#[must_use]
pub fn open_file_limit() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let maximum = limit.maximum.unwrap_or(MAX_FILES);
    let raised = Rlimit { maximum: Some(MAX_FILES), ..limit };
    if maximum < MAX_FILES && setrlimit(Resource::Nofile, raised).is_ok() { MAX_FILES } else { maximum.min(MAX_FILES) }
}

/// Returns true if the log of a guest's programs shows that a daemon reached the limit.
///
/// # Errors
/// When the log can't be read.
pub fn reached_open_file_limit(log: &Beneath) -> Result<bool> {
    let mut bytes = Vec::new();
    let read = log.open().and_then(|file| file.take(SEARCHED_BYTES).read_to_end(&mut bytes));
    read.with_context(|| format!("reading {}", log.display()))?;
    Ok(bytes.windows(LIMIT_MESSAGE.len()).any(|part| part == LIMIT_MESSAGE))
}
