//! Threads that copy output into logs of limited size.

#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "reads pipes and writes logs")]

use std::fs::File;
use std::io::{self, Read, Write as _};
use std::path::Path;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::log_offsets::LogOffsets;
use crate::quota::Quota;
use crate::secret::Masks;

/// Byte counts of a log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogStats {
    /// Number of bytes that the process wrote.
    pub received: u64,
    /// Number of those bytes that are in the log.
    pub kept: u64,
    /// True if some bytes didn't fit into the log.
    pub over_limit: bool,
}

/// Thread that copies a stream to its end.
pub type CopyThread = JoinHandle<io::Result<LogStats>>;

/// Rules of a log: its limits, and the secrets that it doesn't show.
#[derive(Clone, Copy, Debug)]
pub struct LogRules<'a> {
    /// Largest size of the log, in bytes.
    pub bytes: u64,
    /// Quota of the run, from which the bytes are taken.
    pub quota: &'a Quota,
    /// Masks of the secrets of the run.
    pub masks: &'a Masks,
    /// Receives the places of the stream in the log, if a caller needs them.
    pub offsets: Option<&'a LogOffsets>,
}

/// Starts a thread that copies a stream into a new log. At the limit the thread reads on and drops the bytes, so that
/// the writer never blocks.
///
/// # Errors
/// When the log can't be made.
pub fn pump(reader: impl Read + Send + 'static, log: &Path, rules: LogRules<'_>) -> Result<CopyThread> {
    let file = File::create(log).with_context(|| format!("making {}", log.display()))?;
    Ok(copy(reader, file, rules))
}

/// Starts a thread that copies a stream to the end of a log, which is made if it is absent. The limit counts the new
/// bytes.
///
/// # Errors
/// When the log can't be opened.
pub fn append_pump(reader: impl Read + Send + 'static, log: &Path, rules: LogRules<'_>) -> Result<CopyThread> {
    let file = File::options().create(true).append(true).open(log);
    Ok(copy(reader, file.with_context(|| format!("opening {}", log.display()))?, rules))
}

/// Starts a thread that copies a stream into an open log. Everything that pikaci keeps of a stream passes here, and
/// leaves masked.
pub(super) fn copy(mut reader: impl Read + Send + 'static, file: File, rules: LogRules<'_>) -> CopyThread {
    let (mut stream, offsets) = (rules.masks.stream(), rules.offsets.cloned());
    let mut log = LogWriter::new(file, rules);
    std::thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let piece = match reader.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => &buffer[..count],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            log.stats.received += piece.len() as u64;
            match &mut stream {
                Some(stream) => log.write(&stream.push(piece)),
                None => log.write(piece),
            }
            if let Some(offsets) = &offsets {
                offsets.update(log.stats.received, stream.as_ref());
            }
        }
        if let Some(mut stream) = stream {
            log.write(&stream.end());
        }
        log.failure.map_or(Ok(log.stats), Err)
    })
}

/// A log of limited size.
struct LogWriter {
    file: File,
    limit: u64,
    quota: Quota,
    stats: LogStats,
    failure: Option<io::Error>,
}

impl LogWriter {
    fn new(file: File, rules: LogRules<'_>) -> Self {
        Self { file, limit: rules.bytes, quota: rules.quota.clone(), stats: LogStats::default(), failure: None }
    }

    /// Writes bytes up to the limit, and then a notice.
    fn write(&mut self, bytes: &[u8]) {
        if self.failure.is_some() || self.stats.over_limit {
            return;
        }
        let count = bytes.len() as u64;
        let fitting = count.min(self.limit - self.stats.kept);
        let kept = self.quota.take(fitting);
        self.failure = self.file.write_all(&bytes[..usize::try_from(kept).unwrap_or(bytes.len())]).err();
        self.stats.kept += kept;
        if kept < count {
            self.stats.over_limit = true;
            let reason = if kept < fitting {
                format!("the run used up its disk quota of {} bytes", self.quota.total())
            } else {
                format!("the log reached its limit of {} bytes", self.limit)
            };
            let notice = writeln!(self.file, "\n[pikaci: {reason}; the rest is dropped]");
            self.failure = self.failure.take().or(notice.err());
        }
    }
}

/// Waits until a thread has copied its stream, or returns `None` at `end`, because a process still holds the other end.
#[must_use]
pub fn join_copy(thread: CopyThread, end: Instant) -> Option<io::Result<LogStats>> {
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

    use super::{LogRules, LogStats, join_copy, pump};
    use crate::quota::Quota;
    use crate::secret::Masks;

    #[test]
    fn a_log_ends_with_a_notice_at_its_limit_or_that_of_the_run() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        for (bytes, total, notice) in
            [(1000, 5000, "reached its limit of 1000 bytes"), (5000, 1000, "used up its disk quota of 1000 bytes")]
        {
            let quota = Quota::new(total);
            let limit = LogRules { bytes, quota: &quota, masks: &Masks::default(), offsets: None };
            let stats = pump(std::io::repeat(b'x').take(100_000), &log, limit).unwrap().join().unwrap().unwrap();
            assert_eq!(stats, LogStats { received: 100_000, kept: 1000, over_limit: true });
            let text = std::fs::read_to_string(&log).unwrap();
            assert!(text.starts_with(&"x".repeat(1000)) && !text.contains(&"x".repeat(1001)), "{text}");
            assert!(text[1000..].contains(notice), "{text}");
            assert_eq!(quota.left(), total - 1000);
        }
    }

    #[test]
    fn a_log_within_its_limit_has_every_byte() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let bytes: Vec<u8> = (0..=255).cycle().take(70_000).collect();
        let (quota, masks) = (Quota::new(70_000), Masks::default());
        let limit = LogRules { bytes: 70_000, quota: &quota, masks: &masks, offsets: None };
        let stats = pump(std::io::Cursor::new(bytes.clone()), &log, limit).unwrap().join().unwrap().unwrap();
        assert_eq!(stats, LogStats { received: 70_000, kept: 70_000, over_limit: false });
        assert_eq!(std::fs::read(&log).unwrap(), bytes);
    }

    #[test]
    fn waiting_for_a_stream_ends_at_the_deadline() {
        let (never, end) = channel::<()>();
        let stuck = std::thread::spawn(move || end.recv().map(|()| LogStats::default()).map_err(std::io::Error::other));
        assert!(join_copy(stuck, Instant::now() + Duration::from_millis(50)).is_none());
        drop(never);
        let ended = std::thread::spawn(|| Ok(LogStats::default()));
        let end = Instant::now() + Duration::from_mins(1);
        assert_eq!(join_copy(ended, end).unwrap().unwrap(), LogStats::default());
    }
}
