//! Threads that read the streams of a guest: its control channel, and QEMU's monitor.

#![expect(clippy::disallowed_methods, reason = "reads pipes on threads")]

use std::io::{self, Read};
use std::sync::mpsc::SyncSender;
use std::thread::JoinHandle;

use super::control_masks::ControlMasks;
use super::guest_message::GuestMessage;
use crate::guest::ControlDecoder;
use crate::guest::contract::MAX_CONTROL_LINES;

/// Maximum length of a line, in bytes; the rest of a longer line is dropped.
const MAX_LINE: usize = 4096;

/// Calls `on_line` with every line of `reader`, without its line break, until the stream ends.
pub fn spawn_line_reader(
    reader: impl Read + Send + 'static,
    mut on_line: impl FnMut(String) + Send + 'static,
) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut line = Vec::new();
        for byte in io::BufReader::new(reader).bytes().map_while(Result::ok) {
            if byte == b'\n' {
                let text = String::from_utf8_lossy(&line);
                on_line(text.trim_end_matches('\r').to_owned());
                line.clear();
            } else if line.len() < MAX_LINE {
                line.push(byte);
            }
        }
    })
}

/// Sends every control line of `reader`, masked, up to [`MAX_CONTROL_LINES`]. Reads on after that, so that the guest isn't
/// blocked.
pub fn spawn_control_reader(
    mut reader: impl Read + Send + 'static,
    masks: ControlMasks,
    messages: SyncSender<GuestMessage>,
) -> JoinHandle<()> {
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
            if count > MAX_CONTROL_LINES {
                continue;
            }
            for line in decoder.push(&buffer[..read]) {
                count += 1;
                // Invalid lines count too. A failed send means that the receiver is gone, and is ignored.
                if count > MAX_CONTROL_LINES {
                    messages.send(GuestMessage::Flood).ok();
                    break;
                }
                line.ok().and_then(|line| messages.send(GuestMessage::Control(masks.apply(line))).ok());
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::{ControlMasks, GuestMessage, MAX_CONTROL_LINES, spawn_control_reader};
    use crate::guest::ControlLine;

    #[test]
    fn the_number_of_control_lines_is_limited() {
        for (line, valid) in [("ready\n", MAX_CONTROL_LINES), ("nonsense\n", 0)] {
            let messages_of = |count| {
                let (sender, receiver) = sync_channel(4);
                spawn_control_reader(std::io::Cursor::new(line.repeat(count)), ControlMasks::default(), sender);
                receiver.into_iter().collect::<Vec<_>>()
            };
            assert_eq!(messages_of(MAX_CONTROL_LINES).len(), valid);
            let messages = messages_of(100_000);
            assert_eq!(messages.len(), valid + 1);
            assert!(
                messages[..valid].iter().all(|message| matches!(message, GuestMessage::Control(ControlLine::Ready)))
            );
            assert!(matches!(messages[valid], GuestMessage::Flood));
        }
    }
}
