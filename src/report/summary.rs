//! The end of a run on one screen.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::{count, duration};
use crate::guest::quote;
use crate::id::JobId;
use crate::record::{History, JobRecord, Outcome, Status};

/// Returns what ran, how long it took, what failed, and the last lines of its output.
#[must_use]
pub fn summary(history: &History, tails: &BTreeMap<JobId, Vec<String>>, color: bool) -> String {
    let run = &history.run;
    let mut text = String::new();
    let mut add = |line: &str| text.write_str(line).unwrap_or_default();
    for prepare in run.prepares.iter().filter(|prepare| !prepare.status.outcome().is_some_and(Outcome::is_success)) {
        add(&format!("\n--- {}: {}\n", prepare.plan_node_id, prepare.reason.message.as_deref().unwrap_or_default()));
        for line in &prepare.reason.evidence {
            add(&format!("    {line}\n"));
        }
        if let Some(hint) = &prepare.reason.hint {
            add(&format!("hint: {hint}\n"));
        }
    }
    for job in history.jobs.iter().filter(|job| is_news(job)) {
        add(&failed_job(job, tails.get(&job.id).map_or(&[][..], Vec::as_slice)));
    }
    add("\n");
    let width = history.jobs.iter().map(|job| job.id.as_str().chars().count()).max().unwrap_or(0);
    for job in &history.jobs {
        let took = job.started_at.zip(job.finished_at).map(|(from, to)| duration(from, to)).unwrap_or_default();
        let word = paint(job.status, color);
        let artifacts = match job.artifacts {
            0 => String::new(),
            number => format!("  {}", count(usize::try_from(number).unwrap_or(usize::MAX), "artifact")),
        };
        let why = if is_news(job) { None } else { job.reason.message.as_deref() };
        let why = why.map(|why| format!("  {why}")).unwrap_or_default();
        add(format!("  {word}  {:width$}  {took:>6}{artifacts}{why}", job.id).trim_end());
        add("\n");
    }
    let took = run.finished_at.map(|end| format!(" in {}", duration(run.created_at, end))).unwrap_or_default();
    let message = run.message.as_ref().map(|message| format!(": {message}")).unwrap_or_default();
    add(&format!("run {} {}{took}{message}\n", run.run_id, run.status.word()));
    text
}

/// Returns whether more than one line is to be said about a job.
fn is_news(job: &JobRecord) -> bool {
    matches!(job.status.outcome(), Some(Outcome::Failed | Outcome::TimedOut | Outcome::Errored))
}

fn failed_job(job: &JobRecord, tail: &[String]) -> String {
    let mut text = format!("\n--- {} {}", job.id, job.status.word());
    let mut add = |line: &str| text.write_str(line).unwrap_or_default();
    if let Some(message) = &job.reason.message {
        add(&format!(": {message}"));
    }
    add("\n");
    for line in tail {
        add(&format!("    {line}\n"));
    }
    if job.log_cut {
        add("    [the log is cut: bytes of the output are missing]\n");
    }
    if !job.reason.evidence.is_empty() {
        add("  console:\n");
    }
    for line in &job.reason.evidence {
        add(&format!("    {line}\n"));
    }
    let logs = format!("pikaci logs --job {}", quote(job.id.as_str()));
    add(&format!("hint: {}\n", job.reason.hint.as_deref().unwrap_or(&logs)));
    text
}

fn paint(status: Status, color: bool) -> String {
    let word = format!("{:9}", status.word());
    if !color {
        return word;
    }
    let shade = match status.outcome() {
        Some(outcome) if outcome.is_success() => AnsiColor::Green,
        Some(Outcome::Skipped | Outcome::Cancelled) => AnsiColor::Yellow,
        Some(_) => AnsiColor::Red,
        None => AnsiColor::Cyan,
    };
    let style = Style::new().fg_color(Some(shade.into()));
    format!("{style}{word}{style:#}")
}
