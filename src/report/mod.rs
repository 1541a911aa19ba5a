//! Plans, events, records and findings to text. Pure.

mod artifacts;
mod clock;
mod doctor;
#[cfg(test)]
mod fixture;
mod gc;
mod left_out;
mod line;
mod list;
mod page;
mod plain;
mod plan;
mod schema;
mod status;
mod summary;
mod terminal;
mod tree;

pub use artifacts::{Artifact, Artifacts, JobArtifacts, artifacts, size};
pub use clock::Clock;
pub use doctor::{Diagnosis, doctor};
pub use gc::{Collected, Kind, NotRemoved, Removed, collected};
pub use line::{line, phase};
pub use list::{Broken, Listing, list};
pub use page::Page;
pub use plain::{escaped, escaped_json, is_shown, one_line, plain};
pub use plan::{nothing, plan};
pub use schema::{Recorded, schema};
pub use status::{RunStatus, status};
pub use summary::{executed, summary};
pub use terminal::TerminalFilter;
pub use tree::{skipped, unmatched};

use anstyle::AnsiColor;
use jiff::{SignedDuration, Timestamp};

use self::page::Painted;
use crate::record::{JobRecord, JobSummary, Open, Outcome, Status};

/// The version of the JSON that is printed of a list, a run, its artifacts and a machine.
const SCHEMA_VERSION: u32 = 1;

/// What is said of a job without a machine of its own.
const UNISOLATED: &str = "on this machine itself, not isolated";

/// Returns how long something took, for people: `0.4s`, `12s`, `3m05s`.
fn duration(from: Timestamp, to: Timestamp) -> String {
    let took = to.duration_since(from).max(SignedDuration::ZERO);
    let seconds = took.as_secs();
    match seconds {
        0..10 => format!("{:.1}s", took.as_secs_f64()),
        10..60 => format!("{seconds}s"),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
    }
}

/// Returns a number with its noun.
#[must_use]
pub fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// The most of equal lines that are printed.
const MOST: usize = 8;

/// Returns the first of many lines, and how many more there are.
#[must_use]
pub fn first(mut lines: Vec<String>, noun: &str) -> Vec<String> {
    if lines.len() > MOST {
        let more = lines.split_off(MOST - 1).len();
        lines.push(format!("… and {} more", count(more, noun)));
    }
    lines
}

/// Returns the lines for the warnings of a job.
fn warnings(job: &JobRecord) -> Vec<String> {
    let lines = job.warnings.iter().map(|warning| format!("warning: {}", plain::cut(warning, plain::MESSAGE)));
    first(lines.collect(), "warning")
}

/// Returns how many jobs stand where: `3 passed, 1 failed`.
fn tally(jobs: &[JobSummary]) -> String {
    let done = [
        Outcome::Passed,
        Outcome::Cached,
        Outcome::Failed,
        Outcome::TimedOut,
        Outcome::Errored,
        Outcome::Cancelled,
        Outcome::Skipped,
    ];
    let open = [Open::Running, Open::Queued];
    let statuses = done.map(Status::Done).into_iter().chain(open.map(Status::Open));
    let number = |status: Status| jobs.iter().filter(|job| job.status == status).count();
    let parts = statuses.map(|status| (number(status), status.word())).filter(|(number, _)| *number > 0);
    let flaky = jobs.iter().filter(|job| job.flaky).count();
    let text = |(number, word): (usize, &str)| match (word, flaky) {
        ("passed", 1..) => format!("{number} {word} ({flaky} flaky)"),
        _ => format!("{number} {word}"),
    };
    parts.map(text).collect::<Vec<_>>().join(", ")
}

/// Returns the word for a status in its color.
fn paint(status: Status) -> Painted {
    paint_to(status, 0)
}

/// Returns the word for a status in its color, filled up to a width.
fn paint_to(status: Status, width: usize) -> Painted {
    let color = match status.outcome() {
        Some(outcome) if outcome.is_success() => AnsiColor::Green,
        Some(Outcome::Skipped | Outcome::Cancelled) => AnsiColor::Yellow,
        Some(_) => AnsiColor::Red,
        None => AnsiColor::Cyan,
    };
    Painted { word: status.word(), color, width }
}
