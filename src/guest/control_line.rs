//! The lines of the control channel. The guest is hostile, so a line has a short and strict grammar.

use std::str::FromStr;

use thiserror::Error;

use super::contract::MAX_PHASE_BYTES;
use super::left_out_reason::LeftOutReason;

/// A line that the agent sends to the host about its progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ControlLine {
    /// The guest has loaded its drivers.
    Ready,
    /// A phase of the guest began.
    Phase {
        /// Name of the phase.
        name: String,
        /// Uptime of the guest, in hundredths of a second.
        uptime_centis: u64,
    },
    /// The command reached its timeout, and the agent is ending it.
    Deadline,
    /// The kernel ended a process of the job for lack of memory.
    OutOfMemory,
    /// The command ended with this exit code.
    Exit(u8),
    /// A signal with this number ended the command.
    Signal(u8),
    /// Number of bytes of the job's output.
    Output(u64),
    /// Number of artifact files that the agent packed.
    Artifacts(u64),
    /// A file that a glob matches is no artifact.
    LeftOut {
        /// Reason for which the file is left out.
        reason: LeftOutReason,
        /// Path of the file, cut at the length of a line.
        path: String,
    },
    /// Number of further files that are left out.
    MoreLeftOut(u64),
    /// A step of the agent failed; the text is for people.
    Error(String),
    /// Last line of the agent.
    End,
}

/// A line of the control channel that the guest contract doesn't have.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the guest sent the unknown control line {line:?}")]
pub struct UnknownLine {
    /// The line, or its beginning.
    pub line: String,
}

impl FromStr for ControlLine {
    type Err = UnknownLine;

    fn from_str(line: &str) -> Result<Self, UnknownLine> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let control = match word {
            "ready" if line == word => Some(Self::Ready),
            "deadline" if line == word => Some(Self::Deadline),
            "out-of-memory" if line == word => Some(Self::OutOfMemory),
            "end" if line == word => Some(Self::End),
            "phase" => parse_phase(rest),
            "exit" => parse_number(rest).map(Self::Exit),
            "signal" => parse_number(rest).filter(|signal| (1..=64).contains(signal)).map(Self::Signal),
            "output" => parse_number(rest).map(Self::Output),
            "artifacts" => parse_number(rest).map(Self::Artifacts),
            "left-out" => parse_left_out(rest),
            "left-out-more" => parse_number(rest).map(Self::MoreLeftOut),
            "error" if !rest.is_empty() => Some(Self::Error(without_controls(rest))),
            _ => None,
        };
        control.ok_or_else(|| UnknownLine { line: without_controls(line) })
    }
}

fn parse_phase(text: &str) -> Option<ControlLine> {
    let (name, uptime) = text.split_once(' ')?;
    let (secs, centis) = uptime.split_once('.')?;
    let is_allowed = |c: u8| c.is_ascii_lowercase() || c == b'-';
    if name.is_empty() || name.len() > MAX_PHASE_BYTES || !name.bytes().all(is_allowed) || centis.len() != 2 {
        return None;
    }
    let uptime_centis = parse_number::<u64>(secs)?.checked_mul(100)?.checked_add(parse_number(centis)?)?;
    Some(ControlLine::Phase { name: name.to_owned(), uptime_centis })
}

fn parse_left_out(text: &str) -> Option<ControlLine> {
    let (word, path) = text.split_once(' ')?;
    let reason = LeftOutReason::ALL.into_iter().find(|reason| reason.word() == word)?;
    Some(ControlLine::LeftOut { reason, path: without_controls(path) })
}

/// Parses a number of digits alone; `str::parse` would accept a sign too.
fn parse_number<N: FromStr>(text: &str) -> Option<N> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// Replaces control characters, which could move the cursor of a terminal.
fn without_controls(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::{ControlLine, LeftOutReason};

    #[test]
    fn every_line_of_the_contract_is_parsed() {
        let table = [
            ("ready", ControlLine::Ready),
            ("phase job 12.07", ControlLine::Phase { name: "job".into(), uptime_centis: 1207 }),
            ("deadline", ControlLine::Deadline),
            ("out-of-memory", ControlLine::OutOfMemory),
            ("exit 0", ControlLine::Exit(0)),
            ("exit 255", ControlLine::Exit(255)),
            ("signal 9", ControlLine::Signal(9)),
            ("output 5242880", ControlLine::Output(5_242_880)),
            ("artifacts 3", ControlLine::Artifacts(3)),
            ("left-out link out/a b", ControlLine::LeftOut { reason: LeftOutReason::Link, path: "out/a b".into() }),
            ("left-out name a\u{1}b", ControlLine::LeftOut { reason: LeftOutReason::Name, path: "a\u{fffd}b".into() }),
            ("left-out-more 7", ControlLine::MoreLeftOut(7)),
            ("error no disk: \u{1b}[2J", ControlLine::Error("no disk: \u{fffd}[2J".into())),
            ("end", ControlLine::End),
        ];
        for (line, control) in table {
            assert_eq!(line.parse(), Ok(control), "{line}");
        }
    }

    #[test]
    fn a_line_outside_of_the_contract_is_refused() {
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
            assert!(line.parse::<ControlLine>().is_err(), "{line:?}");
        }
    }
}
