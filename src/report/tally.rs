//! Numbers of jobs by status.

use crate::event::{Open, Outcome, Status};
use crate::record::JobSummary;

/// Returns the number of jobs with each status: `3 passed, 1 failed`.
pub(super) fn tally(jobs: &[JobSummary]) -> String {
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
    let allowed = |word: &str| jobs.iter().filter(|job| job.allowed && job.status.word() == word).count();
    let text = |(number, word): (usize, &str)| match (word, flaky, allowed(word)) {
        ("passed", 1.., _) => format!("{number} {word} ({flaky} flaky)"),
        (_, _, allowed @ 1..) => format!("{number} {word} ({allowed} allowed)"),
        _ => format!("{number} {word}"),
    };
    parts.map(text).collect::<Vec<_>>().join(", ")
}
