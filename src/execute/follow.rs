//! A file that another process writes, read as a stream.

#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "reads a file as it grows")]

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long it lasts until a file that had nothing new is looked at again.
const PAUSE: Duration = Duration::from_millis(20);

/// Reads a file that need not be there yet, and waits at its end until its writer is gone.
#[derive(Debug)]
pub struct Follow {
    path: PathBuf,
    file: Option<File>,
    place: u64,
    keep: u64,
    writer_gone: Arc<AtomicBool>,
}

impl Follow {
    /// Follows a file; of what comes after `keep` bytes nothing stays on the disk once it is read.
    #[must_use]
    pub fn new(path: PathBuf, keep: u64, writer_gone: Arc<AtomicBool>) -> Self {
        Self { path, file: None, place: 0, keep, writer_gone }
    }

    fn read_more(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.file.is_none() {
            self.file = match OpenOptions::new().read(true).write(true).open(&self.path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                opened => Some(opened?),
            };
        }
        let Some(file) = &self.file else { return Ok(0) };
        let count = file.read_at(buffer, self.place)?;
        self.place += count as u64;
        if count > 0 && self.place > self.keep {
            // The writer goes on at its own place; what lies before becomes a hole.
            file.set_len(0)?;
        }
        Ok(count)
    }
}

impl Read for Follow {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            // Asked first: what was written before the writer went is read all the same.
            let gone = self.writer_gone.load(Ordering::Acquire);
            match self.read_more(buffer) {
                Ok(0) if !gone => std::thread::sleep(PAUSE),
                result => return result,
            }
        }
    }
}

/// Passes a stream on, and calls for help when a text comes by.
pub(super) struct Alarm<R, F> {
    stream: R,
    text: &'static [u8],
    /// The end of what came by, in which the text may have begun.
    last: Vec<u8>,
    call: Option<F>,
}

impl<R, F: FnOnce()> Alarm<R, F> {
    pub(super) fn new(stream: R, text: &'static str, call: F) -> Self {
        Self { stream, text: text.as_bytes(), last: Vec::new(), call: Some(call) }
    }
}

impl<R: Read, F: FnOnce()> Read for Alarm<R, F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.stream.read(buffer)?;
        if self.call.is_some() {
            self.last.extend(&buffer[..count]);
            if self.last.windows(self.text.len()).any(|window| window == self.text) {
                self.call.take().into_iter().for_each(|call| call());
            }
            let old = self.last.len().saturating_sub(self.text.len());
            self.last.drain(..old);
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
    use std::time::Duration;

    use super::{Alarm, File, Follow};

    #[test]
    fn all_that_is_written_is_read_until_the_writer_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let gone = Arc::new(AtomicBool::new(false));
        let (mut follow, writer_gone) = (Follow::new(path.clone(), 1 << 20, gone.clone()), gone);
        let writer = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(50));
            let mut file = File::create(path).unwrap();
            for line in 0..100 {
                writeln!(file, "line {line}").unwrap();
                std::thread::sleep(Duration::from_millis(1));
            }
            writer_gone.store(true, Ordering::Release);
        });
        let mut text = String::new();
        follow.read_to_string(&mut text).unwrap();
        writer.join().unwrap();
        assert_eq!(text.lines().count(), 100);
    }

    #[test]
    fn a_file_that_never_came_is_empty() {
        let mut follow = Follow::new("/nonexistent".into(), 1, Arc::new(AtomicBool::new(true)));
        assert_eq!(follow.read(&mut [0]).unwrap(), 0);
    }

    #[test]
    fn what_is_not_kept_takes_no_room() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut file = File::create(&path).unwrap();
        let gone = Arc::new(AtomicBool::new(false));
        let mut follow = Follow::new(path.clone(), 1000, gone);
        let mut buffer = [0; 4096];
        for _ in 0..100 {
            file.write_all(&[b'x'; 4096]).unwrap();
            assert_eq!(follow.read(&mut buffer).unwrap(), 4096);
            assert!(buffer.iter().all(|byte| *byte == b'x'));
        }
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 0);
    }

    #[test]
    fn an_alarm_is_given_once_however_the_text_arrives() {
        let calls = AtomicU32::new(0);
        let text = b"a panic, a pan, then a panic";
        let mut alarm = Alarm::new(text.as_slice(), "panic", || {
            calls.fetch_add(1, Ordering::Relaxed);
        });
        let mut passed = Vec::new();
        let mut byte = [0];
        while alarm.read(&mut byte).unwrap() == 1 {
            passed.push(byte[0]);
            assert_eq!(calls.load(Ordering::Relaxed), u32::from(passed.len() >= 7));
        }
        assert_eq!(passed, text);
    }
}
