//! The limit of open files of a share's daemon.

use std::io::Read as _;

use anyhow::{Context as _, Result};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::foreign::Beneath;

/// The most files that a daemon may need to hold open: Linux gives no process more by default (`fs.nr_open`).
const MOST_FILES: u64 = 1 << 20;

/// The message of virtiofsd when the guest knows more files than it may hold open (`guest_fd_limit.rs` there); from then on
/// the guest can't open any other.
const REACHED: &[u8] = b"No more file descriptors available to the guest";
/// The part of a log, in bytes, that is searched for it: daemons print little.
const SEARCHED: u64 = 1 << 20;

/// Returns the number of files that a daemon may hold open, one for each file that the guest knows. Raises it to
/// `MOST_FILES` if this process may.
#[must_use]
pub fn open_files() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let has = limit.maximum.unwrap_or(MOST_FILES);
    let raised = Rlimit { maximum: Some(MOST_FILES), ..limit };
    if has < MOST_FILES && setrlimit(Resource::Nofile, raised).is_ok() { MOST_FILES } else { has.min(MOST_FILES) }
}

/// Returns whether the log of a guest's programs says that the limit was reached.
///
/// # Errors
/// When the log can't be read.
pub fn reached_limit(log: &Beneath) -> Result<bool> {
    let mut bytes = Vec::new();
    let read = log.open().and_then(|file| file.take(SEARCHED).read_to_end(&mut bytes));
    read.with_context(|| format!("reading {}", log.display()))?;
    Ok(bytes.windows(REACHED.len()).any(|part| part == REACHED))
}
