//! A stream of a file that another process is writing.

#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "reads a file as it grows")]

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Time between two reads of a file that has nothing new.
const PAUSE: Duration = Duration::from_millis(20);

/// A stream of a growing file, which may not exist yet. At the end of the file, a read waits until the writer is gone.
#[derive(Debug)]
pub struct TailFile {
    path: PathBuf,
    file: Option<File>,
    offset: u64,
    keep: u64,
    writer_gone: Arc<AtomicBool>,
}

impl TailFile {
    /// Creates the stream. Bytes after the first `keep` are removed from the disk once they are read. `writer_gone` is
    /// set when the writer has exited.
    #[must_use]
    pub fn new(path: PathBuf, keep: u64, writer_gone: Arc<AtomicBool>) -> Self {
        Self { path, file: None, offset: 0, keep, writer_gone }
    }

    fn read_more(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.file.is_none() {
            self.file = match OpenOptions::new().read(true).write(true).open(&self.path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                opened => Some(opened?),
            };
        }
        let Some(file) = &self.file else { return Ok(0) };
        let count = file.read_at(buffer, self.offset)?;
        self.offset += count as u64;
        if count > 0 && self.offset > self.keep {
            // The writer continues at its own offset, so that the bytes before it become a hole.
            file.set_len(0)?;
        }
        Ok(count)
    }
}

impl Read for TailFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            // Checked before the file is read, so that bytes written just before the writer's exit aren't lost.
            let gone = self.writer_gone.load(Ordering::Acquire);
            match self.read_more(buffer) {
                Ok(0) if !gone => std::thread::sleep(PAUSE),
                result => return result,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use super::{File, TailFile};

    #[test]
    fn every_byte_is_read_until_the_writer_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let gone = Arc::new(AtomicBool::new(false));
        let (mut tail, writer_gone) = (TailFile::new(path.clone(), 1 << 20, gone.clone()), gone);
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
        tail.read_to_string(&mut text).unwrap();
        writer.join().unwrap();
        assert_eq!(text.lines().count(), 100);
    }

    #[test]
    fn a_missing_file_is_empty() {
        let mut tail = TailFile::new("/nonexistent".into(), 1, Arc::new(AtomicBool::new(true)));
        assert_eq!(tail.read(&mut [0]).unwrap(), 0);
    }

    #[test]
    fn bytes_beyond_the_kept_ones_take_no_space() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut file = File::create(&path).unwrap();
        let gone = Arc::new(AtomicBool::new(false));
        let mut tail = TailFile::new(path.clone(), 1000, gone);
        let mut buffer = [0; 4096];
        for _ in 0..100 {
            file.write_all(&[b'x'; 4096]).unwrap();
            assert_eq!(tail.read(&mut buffer).unwrap(), 4096);
            assert!(buffer.iter().all(|byte| *byte == b'x'));
        }
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 0);
    }
}
