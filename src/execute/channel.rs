//! What comes out of a guest: bytes into logs of limited size, lines into messages.

#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "reads pipes and writes logs")]

use std::fs::File;
use std::io::{self, Read, Write as _};
use std::path::Path;
use std::sync::mpsc::SyncSender;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::supervise::Message;
use crate::guest::control::ControlDecoder;

/// The longest line of QEMU's monitor, in bytes; the rest of a longer one is dropped.
const LINE_LIMIT: usize = 4096;
/// The most lines that a guest may say on its control channel; an agent says fewer than twenty.
const CONTROL_LINES: usize = 256;

/// What a log took in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pumped {
    /// Bytes that came.
    pub received: u64,
    /// Whether some didn't fit into the log.
    pub over_limit: bool,
}

/// Copies all that comes from `reader` into a new log, up to `limit` bytes; reads on past it, so that nobody waits.
///
/// # Errors
/// When the log can't be made.
pub fn pump(mut reader: impl Read + Send + 'static, log: &Path, limit: u64) -> Result<JoinHandle<io::Result<Pumped>>> {
    let mut file = File::create(log).with_context(|| format!("making {}", log.display()))?;
    let copy = move || {
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
            let room = usize::try_from(limit.saturating_sub(pumped.received)).unwrap_or(usize::MAX);
            pumped.received += count as u64;
            if failure.is_none() && room > 0 {
                failure = file.write_all(&buffer[..count.min(room)]).err();
            }
            if count > room && !pumped.over_limit {
                pumped.over_limit = true;
                let told =
                    writeln!(file, "\n[pikaci: the log reached its limit of {limit} bytes; the rest is dropped]");
                failure = failure.or(told.err());
            }
        }
        failure.map_or(Ok(pumped), Err)
    };
    Ok(std::thread::spawn(copy))
}

/// Waits for a thread that copies a stream, which lasts as long as a process at the stream's other end; nothing where it
/// still goes on at `end`.
#[must_use]
pub fn join(thread: JoinHandle<io::Result<Pumped>>, end: Instant) -> Option<io::Result<Pumped>> {
    while !thread.is_finished() {
        if Instant::now() >= end {
            return None;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Some(thread.join().unwrap_or_else(|_| Err(io::Error::other("the thread that copies it panicked"))))
}

/// Calls `each` with every line that comes from `reader`, without its line break, until its end.
pub fn lines(reader: impl Read + Send + 'static, mut each: impl FnMut(String) + Send + 'static) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut line = Vec::new();
        for byte in io::BufReader::new(reader).bytes().map_while(Result::ok) {
            if byte == b'\n' {
                let text = String::from_utf8_lossy(&line);
                each(text.trim_end_matches('\r').to_owned());
                line.clear();
            } else if line.len() < LINE_LIMIT {
                line.push(byte);
            }
        }
    })
}

/// Sends every control line that comes from `reader`, up to a limit; reads on past it, so that nobody waits.
pub fn controls(mut reader: impl Read + Send + 'static, messages: SyncSender<Message>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut decoder = ControlDecoder::default();
        let mut buffer = [0; 4096];
        let mut count = 0;
        loop {
            let read = match reader.read(&mut buffer) {
                Ok(0) => return,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => return,
            };
            if count > CONTROL_LINES {
                continue;
            }
            for line in decoder.push(&buffer[..read]) {
                count += 1;
                // Lines that the contract doesn't have count too. The receiver is gone only when nobody wants to know.
                if count > CONTROL_LINES {
                    messages.send(Message::Flood).ok();
                    break;
                }
                line.ok().and_then(|line| messages.send(Message::Control(line)).ok());
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{channel, sync_channel};
    use std::time::{Duration, Instant};

    use super::{CONTROL_LINES, Message, Pumped, controls, join, pump};
    use crate::guest::Control;

    #[test]
    fn a_guest_has_only_so_much_to_say() {
        for (line, heard) in [("ready\n", CONTROL_LINES), ("nonsense\n", 0)] {
            let said = |count| {
                let (sender, receiver) = sync_channel(4);
                controls(std::io::Cursor::new(line.repeat(count)), sender);
                receiver.into_iter().collect::<Vec<_>>()
            };
            assert_eq!(said(CONTROL_LINES).len(), heard);
            let messages = said(100_000);
            assert_eq!(messages.len(), heard + 1);
            assert!(messages[..heard].iter().all(|told| matches!(told, Message::Control(Control::Ready))));
            assert!(matches!(messages[heard], Message::Flood));
        }
    }

    #[test]
    fn a_log_stops_at_its_limit_and_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let pumped = pump(std::io::repeat(b'x').take(100_000), &log, 1000).unwrap().join().unwrap().unwrap();
        assert_eq!(pumped, Pumped { received: 100_000, over_limit: true });
        let text = std::fs::read_to_string(&log).unwrap();
        assert!(text.starts_with(&"x".repeat(1000)), "{text}");
        assert!(text[1000..].contains("reached its limit of 1000 bytes"), "{text}");
    }

    #[test]
    fn a_log_within_its_limit_is_byte_for_byte() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let bytes: Vec<u8> = (0..=255).cycle().take(70_000).collect();
        let pumped = pump(std::io::Cursor::new(bytes.clone()), &log, 70_000).unwrap().join().unwrap().unwrap();
        assert_eq!(pumped, Pumped { received: 70_000, over_limit: false });
        assert_eq!(std::fs::read(&log).unwrap(), bytes);
    }

    use std::io::Read as _;

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
