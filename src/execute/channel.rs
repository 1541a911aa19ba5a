//! The control channel of a guest: turns its lines into messages.

#![expect(clippy::disallowed_methods, reason = "reads pipes on threads")]

use std::io::{self, Read};
use std::sync::mpsc::SyncSender;
use std::thread::JoinHandle;

use super::message::Message;
use crate::guest::control::ControlDecoder;

/// The longest line of QEMU's monitor, in bytes; the rest of a longer one is dropped.
const LINE_LIMIT: usize = 4096;
/// The most lines that a guest may say on its control channel; an agent says fewer than twenty.
const CONTROL_LINES: usize = 256;

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
    use std::sync::mpsc::sync_channel;

    use super::{CONTROL_LINES, Message, controls};
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
}
