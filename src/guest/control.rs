//! The control channel: bytes to [`Control`] lines. The guest is hostile, so lines are short and plainly spelt.

use std::str::FromStr;

use thiserror::Error;

use super::{Control, LeftOut};

/// The longest line that is read, in bytes; what an agent says is far shorter.
const LONGEST_LINE: usize = 4096;
/// The longest name of a phase, in bytes: each becomes an event.
const LONGEST_PHASE: usize = 32;

/// A line of the control channel that the guest contract doesn't have.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the guest said {line:?} on its control channel")]
pub struct UnknownLine {
    /// The line, or its beginning.
    pub line: String,
}

/// Cuts the bytes of a control channel into lines, however they arrive.
#[derive(Clone, Debug, Default)]
pub struct ControlDecoder {
    partial: Vec<u8>,
}

impl ControlDecoder {
    /// Takes the next bytes and returns the lines that they complete.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Result<Control, UnknownLine>> {
        let mut lines = Vec::new();
        for &byte in bytes {
            if byte == b'\n' {
                lines.push(String::from_utf8_lossy(&self.partial).parse());
                self.partial.clear();
            } else if self.partial.len() < LONGEST_LINE {
                self.partial.push(byte);
            }
        }
        lines
    }
}

impl FromStr for Control {
    type Err = UnknownLine;

    fn from_str(line: &str) -> Result<Self, UnknownLine> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let control = match word {
            "ready" if line == word => Some(Self::Ready),
            "deadline" if line == word => Some(Self::Deadline),
            "out-of-memory" if line == word => Some(Self::OutOfMemory),
            "end" if line == word => Some(Self::End),
            "phase" => phase(rest),
            "exit" => number(rest).map(Self::Exit),
            "signal" => number(rest).filter(|signal| (1..=64).contains(signal)).map(Self::Signal),
            "output" => number(rest).map(Self::Output),
            "artifacts" => number(rest).map(Self::Artifacts),
            "left-out" => left_out(rest),
            "left-out-more" => number(rest).map(Self::MoreLeftOut),
            "error" if !rest.is_empty() => Some(Self::Error(printable(rest))),
            _ => None,
        };
        control.ok_or_else(|| UnknownLine { line: printable(line) })
    }
}

fn phase(text: &str) -> Option<Control> {
    let (name, uptime) = text.split_once(' ')?;
    let (secs, centis) = uptime.split_once('.')?;
    let lower = |c: u8| c.is_ascii_lowercase() || c == b'-';
    if name.is_empty() || name.len() > LONGEST_PHASE || !name.bytes().all(lower) || centis.len() != 2 {
        return None;
    }
    let uptime_centis = number::<u64>(secs)?.checked_mul(100)?.checked_add(number(centis)?)?;
    Some(Control::Phase { name: name.to_owned(), uptime_centis })
}

fn left_out(text: &str) -> Option<Control> {
    let (word, path) = text.split_once(' ')?;
    let reason = LeftOut::ALL.into_iter().find(|reason| reason.word() == word)?;
    Some(Control::LeftOut { reason, path: printable(path) })
}

/// `str::parse` without the sign that it would take.
fn number<N: FromStr>(text: &str) -> Option<N> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// Keeps a guest's words from moving the cursor of a terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::{Control, ControlDecoder, LONGEST_LINE, LeftOut};

    #[test]
    fn every_line_of_the_contract_is_read() {
        let table = [
            ("ready", Control::Ready),
            ("phase job 12.07", Control::Phase { name: "job".into(), uptime_centis: 1207 }),
            ("deadline", Control::Deadline),
            ("out-of-memory", Control::OutOfMemory),
            ("exit 0", Control::Exit(0)),
            ("exit 255", Control::Exit(255)),
            ("signal 9", Control::Signal(9)),
            ("output 5242880", Control::Output(5_242_880)),
            ("artifacts 3", Control::Artifacts(3)),
            ("left-out link out/a b", Control::LeftOut { reason: LeftOut::Link, path: "out/a b".into() }),
            ("left-out name a\u{1}b", Control::LeftOut { reason: LeftOut::Name, path: "a\u{fffd}b".into() }),
            ("left-out-more 7", Control::MoreLeftOut(7)),
            ("error no disk: \u{1b}[2J", Control::Error("no disk: \u{fffd}[2J".into())),
            ("end", Control::End),
        ];
        for (line, control) in table {
            assert_eq!(line.parse(), Ok(control), "{line}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let lines = [
            "",
            " ",
            "Ready",
            "ready ",
            "ready now",
            "end\r",
            "exit",
            "exit 256",
            "exit -1",
            "exit +1",
            "exit 1 2",
            "exit ",
            "signal 0",
            "signal 65",
            "phase job",
            "phase job 1",
            "phase job 1.5",
            "phase  1.50",
            "phase Job 1.50",
            "phase job 99999999999999999999.00",
            "phase a-name-of-a-phase-of-over-32-bytes 1.50",
            "output 1e3",
            "error",
            "error ",
            "left-out",
            "left-out large",
            "left-out lost a",
            "left-out-more",
            "root",
        ];
        for line in lines {
            assert!(line.parse::<Control>().is_err(), "{line:?}");
        }
    }

    #[test]
    fn lines_are_the_same_however_they_arrive() {
        let bytes = b"ready\nphase job 1.00\nexit 3\noutput 0\nend\n";
        let whole = ControlDecoder::default().push(bytes);
        assert_eq!(whole.len(), 5);
        let mut decoder = ControlDecoder::default();
        let pieces: Vec<_> = bytes.iter().flat_map(|&byte| decoder.push(&[byte])).collect();
        assert_eq!(pieces, whole);
        assert_eq!(decoder.push(b"exit 0"), []);
    }

    #[test]
    fn a_line_without_end_takes_no_memory() {
        let mut decoder = ControlDecoder::default();
        assert_eq!(decoder.push(&vec![b'x'; 1 << 20]), []);
        assert_eq!(decoder.partial.len(), LONGEST_LINE);
        let lines = decoder.push(b"\nready\n");
        assert!(lines[0].is_err());
        assert_eq!(lines[1], Ok(Control::Ready));
    }
}
