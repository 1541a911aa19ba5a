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
    /// The job reached its timeout, and the agent is ending it.
    Deadline,
    /// The job printed nothing for too long, and the agent is ending it.
    Stalled,
    /// The step with this number began.
    Step(u8),
    /// A step reached its timeout, and the agent is ending it.
    StepDeadline(u8),
    /// A step ended.
    StepEnd {
        /// Number of the step.
        step: u8,
        /// End of its command.
        end: CommandEnd,
        /// Number of bytes of the job's output up to the end of the step.
        output: u64,
    },
    /// The service with this number is ready.
    ServiceReady(u8),
    /// A service wasn't ready in time, and the agent ended it.
    ServiceLate(u8),
    /// A service ended before the job.
    ServiceEnd {
        /// Number of the service.
        service: u8,
        /// End of its command.
        end: CommandEnd,
    },
    /// The output of a service follows that of the job.
    ServiceLog {
        /// Number of the service.
        service: u8,
        /// Number of bytes of all output up to the end of the service's.
        output: u64,
    },
    /// The kernel ended a process of the job for lack of memory.
    OutOfMemory,
    /// The job ended: the end of the first step that failed, or of the last one.
    Exit(CommandEnd),
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
    /// The content of the generation of the cache with this number couldn't be mounted, so that the cache is empty.
    CacheDropped(u8),
    /// The job changed nothing in a cache.
    CacheSame(u8),
    /// The disk of a cache has everything that the job wrote to it.
    CacheSaved(u8),
    /// A step of the agent failed; the text is for people.
    Error(String),
    /// Last line of the agent.
    End,
}

/// The end of a command in a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandEnd {
    /// It ended with this exit code.
    Exit(u8),
    /// A signal with this number ended it.
    Signal(u8),
}

impl CommandEnd {
    /// Returns the exit code as a shell shows it: 128 and the number of the signal.
    #[must_use]
    pub fn code(self) -> i32 {
        match self {
            Self::Exit(code) => i32::from(code),
            Self::Signal(signal) => 128 + i32::from(signal),
        }
    }

    /// Returns the end as the predicate of a sentence.
    #[must_use]
    pub fn text(self) -> String {
        match self {
            Self::Exit(code) => format!("ended with exit code {code}"),
            Self::Signal(signal) => format!("was ended by signal {signal}"),
        }
    }
}

impl FromStr for CommandEnd {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let end = match text.split_once(' ') {
            Some(("exit", code)) => parse_number(code).map(Self::Exit),
            Some(("signal", signal)) => {
                parse_number(signal).filter(|signal| (1..=64).contains(signal)).map(Self::Signal)
            }
            _ => None,
        };
        end.ok_or(())
    }
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
            "stalled" if line == word => Some(Self::Stalled),
            "exit" | "signal" => line.parse().ok().map(Self::Exit),
            "step" => parse_number(rest).map(Self::Step),
            "step-deadline" => parse_number(rest).map(Self::StepDeadline),
            "step-end" => parse_step_end(rest),
            "cache-dropped" => parse_number(rest).map(Self::CacheDropped),
            "cache-same" => parse_number(rest).map(Self::CacheSame),
            "cache-saved" => parse_number(rest).map(Self::CacheSaved),
            "service-ready" => parse_number(rest).map(Self::ServiceReady),
            "service-late" => parse_number(rest).map(Self::ServiceLate),
            "service-end" => parse_service_end(rest),
            "service-log" => parse_service_log(rest),
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

fn parse_step_end(text: &str) -> Option<ControlLine> {
    let (step, rest) = text.split_once(' ')?;
    let (end, output) = rest.rsplit_once(' ')?;
    Some(ControlLine::StepEnd { step: parse_number(step)?, end: end.parse().ok()?, output: parse_number(output)? })
}

fn parse_service_end(text: &str) -> Option<ControlLine> {
    let (service, end) = text.split_once(' ')?;
    Some(ControlLine::ServiceEnd { service: parse_number(service)?, end: end.parse().ok()? })
}

fn parse_service_log(text: &str) -> Option<ControlLine> {
    let (service, output) = text.split_once(' ')?;
    Some(ControlLine::ServiceLog { service: parse_number(service)?, output: parse_number(output)? })
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
    use super::{CommandEnd, ControlLine, LeftOutReason};

    #[test]
    fn every_line_of_the_contract_is_parsed() {
        let table = [
            ("ready", ControlLine::Ready),
            ("phase job 12.07", ControlLine::Phase { name: "job".into(), uptime_centis: 1207 }),
            ("deadline", ControlLine::Deadline),
            ("out-of-memory", ControlLine::OutOfMemory),
            ("exit 0", ControlLine::Exit(CommandEnd::Exit(0))),
            ("exit 255", ControlLine::Exit(CommandEnd::Exit(255))),
            ("signal 9", ControlLine::Exit(CommandEnd::Signal(9))),
            ("stalled", ControlLine::Stalled),
            ("step 3", ControlLine::Step(3)),
            ("step-deadline 3", ControlLine::StepDeadline(3)),
            ("step-end 3 signal 9 120", ControlLine::StepEnd { step: 3, end: CommandEnd::Signal(9), output: 120 }),
            ("service-ready 0", ControlLine::ServiceReady(0)),
            ("service-late 0", ControlLine::ServiceLate(0)),
            ("service-end 0 exit 1", ControlLine::ServiceEnd { service: 0, end: CommandEnd::Exit(1) }),
            ("service-log 1 7", ControlLine::ServiceLog { service: 1, output: 7 }),
            ("output 5242880", ControlLine::Output(5_242_880)),
            ("artifacts 3", ControlLine::Artifacts(3)),
            ("left-out link out/a b", ControlLine::LeftOut { reason: LeftOutReason::Link, path: "out/a b".into() }),
            ("left-out name a\u{1}b", ControlLine::LeftOut { reason: LeftOutReason::Name, path: "a\u{fffd}b".into() }),
            ("left-out-more 7", ControlLine::MoreLeftOut(7)),
            ("cache-dropped 0", ControlLine::CacheDropped(0)),
            ("cache-same 1", ControlLine::CacheSame(1)),
            ("cache-saved 3", ControlLine::CacheSaved(3)),
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
            "cache-saved",
            "cache-saved 256",
            "root",
        ];
        for line in lines {
            assert!(line.parse::<ControlLine>().is_err(), "{line:?}");
        }
    }
}
