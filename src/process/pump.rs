//! The output of processes, copied into logs of limited size.

#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "reads pipes and writes logs")]

use std::fs::{File, OpenOptions};
use std::io::{self, PipeWriter, Read, Write as _};
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::{Invocation, alone};
use crate::quota::Quota;

/// Counts of the bytes of a log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pumped {
    /// Bytes that the process wrote.
    pub received: u64,
    /// Bytes that are in the log.
    pub kept: u64,
    /// True if some bytes didn't fit into the log.
    pub over_limit: bool,
}

/// A thread that copies a stream to its end.
pub type Copying = JoinHandle<io::Result<Pumped>>;

/// The limits of a log.
#[derive(Clone, Copy, Debug)]
pub struct Limit<'a> {
    /// Its bytes.
    pub bytes: u64,
    /// The budget that they are taken from.
    pub quota: &'a Quota,
}

/// A log that processes print into through a pipe; it ends when they and this value are gone.
#[derive(Debug)]
pub struct LogPipe {
    pub(super) log: PathBuf,
    pub(super) writer: PipeWriter,
}

impl LogPipe {
    /// Opens a log to append to, and starts the thread that copies the pipe into it.
    ///
    /// # Errors
    /// When the log or the pipe can't be made.
    pub fn open(log: &Path, limit: Limit<'_>) -> Result<(Self, Copying)> {
        let file = append_to(log)?;
        let (reader, writer) = alone(io::pipe).with_context(|| format!("making the pipe of {}", log.display()))?;
        Ok((Self { log: log.to_owned(), writer }, copy(reader, file, limit)))
    }
}

/// Writes the command line of a process that is about to start into a log.
pub(super) fn announce(invocation: &Invocation, log: &Path) -> Result<()> {
    writeln!(append_to(log)?, "$ {invocation}").with_context(|| format!("writing {}", log.display()))
}

fn append_to(log: &Path) -> Result<File> {
    let file = OpenOptions::new().create(true).append(true).open(log);
    file.with_context(|| format!("opening {}", log.display()))
}

/// Copies a stream into a new log up to its limit, and reads and drops the rest, so that the writer never blocks.
///
/// # Errors
/// When the log can't be made.
pub fn pump(reader: impl Read + Send + 'static, log: &Path, limit: Limit<'_>) -> Result<Copying> {
    let file = File::create(log).with_context(|| format!("making {}", log.display()))?;
    Ok(copy(reader, file, limit))
}

fn copy(mut reader: impl Read + Send + 'static, mut file: File, limit: Limit<'_>) -> Copying {
    let (limit, quota) = (limit.bytes, limit.quota.clone());
    std::thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        let mut pumped = Pumped::default();
        let mut failure = None;
        loop {
            let count = match reader.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            pumped.received += count as u64;
            if failure.is_some() || pumped.over_limit {
                continue;
            }
            let fitting = (count as u64).min(limit - pumped.kept);
            let kept = quota.take(fitting);
            failure = file.write_all(&buffer[..usize::try_from(kept).unwrap_or(count)]).err();
            pumped.kept += kept;
            if kept < count as u64 {
                pumped.over_limit = true;
                let reason = if kept < fitting {
                    format!("the run used up its disk budget of {} bytes", quota.total())
                } else {
                    format!("the log reached its limit of {limit} bytes")
                };
                let noted = writeln!(file, "\n[pikaci: {reason}; the rest is dropped]");
                failure = failure.or(noted.err());
            }
        }
        failure.map_or(Ok(pumped), Err)
    })
}

/// Waits until a stream is copied; returns `None` if it isn't at `end`, because a process still holds the other end.
#[must_use]
pub fn join(thread: Copying, end: Instant) -> Option<io::Result<Pumped>> {
    while !thread.is_finished() {
        if Instant::now() >= end {
            return None;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Some(thread.join().unwrap_or_else(|_| Err(io::Error::other("the thread that copies it panicked"))))
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::sync::mpsc::channel;
    use std::time::{Duration, Instant};

    use super::{Limit, Pumped, join, pump};
    use crate::quota::Quota;

    #[test]
    fn a_log_stops_at_its_limit_or_where_the_budget_is_used_up_and_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        for (bytes, total, what) in
            [(1000, 5000, "reached its limit of 1000 bytes"), (5000, 1000, "used up its disk budget of 1000 bytes")]
        {
            let quota = Quota::new(total);
            let limit = Limit { bytes, quota: &quota };
            let pumped = pump(std::io::repeat(b'x').take(100_000), &log, limit).unwrap().join().unwrap().unwrap();
            assert_eq!(pumped, Pumped { received: 100_000, kept: 1000, over_limit: true });
            let text = std::fs::read_to_string(&log).unwrap();
            assert!(text.starts_with(&"x".repeat(1000)) && !text.contains(&"x".repeat(1001)), "{text}");
            assert!(text[1000..].contains(what), "{text}");
            assert_eq!(quota.left(), total - 1000);
        }
    }

    #[test]
    fn a_log_within_its_limit_is_byte_for_byte() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let bytes: Vec<u8> = (0..=255).cycle().take(70_000).collect();
        let limit = Limit { bytes: 70_000, quota: &Quota::new(70_000) };
        let pumped = pump(std::io::Cursor::new(bytes.clone()), &log, limit).unwrap().join().unwrap().unwrap();
        assert_eq!(pumped, Pumped { received: 70_000, kept: 70_000, over_limit: false });
        assert_eq!(std::fs::read(&log).unwrap(), bytes);
    }

    #[test]
    fn a_stream_that_never_ends_is_not_waited_for_for_ever() {
        let (never, end) = channel::<()>();
        let stuck = std::thread::spawn(move || end.recv().map(|()| Pumped::default()).map_err(std::io::Error::other));
        assert!(join(stuck, Instant::now() + Duration::from_millis(50)).is_none());
        drop(never);
        let ended = std::thread::spawn(|| Ok(Pumped::default()));
        let end = Instant::now() + Duration::from_secs(60);
        assert_eq!(join(ended, end).unwrap().unwrap(), Pumped::default());
    }
}
