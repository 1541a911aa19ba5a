//! An event as one plain line.

use jiff::Timestamp;

use super::plain::plain;
use super::{count, duration, left_out, paint};
use crate::event::{Event, Reason, What};
use crate::record::{History, Outcome, Status};

/// Returns the line for an event (that of a run's start has more, where jobs are left out), or `None` for one that isn't worth one.
#[must_use]
pub fn line(event: &Event, history: &History, color: bool) -> Option<String> {
    match &event.what {
        What::RunStarted(start) => {
            let begin = format!("run {}: {}", start.run_id, count(start.jobs.len(), "job"));
            let lines = left_out::lines(&start.left_out, |job, why| format!("{job}: left out: {why}"));
            Some(lines.into_iter().fold(begin, |text, line| format!("{text}\n{line}")))
        }
        What::PrepareStarted { .. } | What::JobPhase { .. } | What::RunFinished { .. } => None,
        What::PrepareFinished { node, outcome: Outcome::Cached, .. } => {
            Some(format!("{node}: the runner is there already"))
        }
        What::PrepareFinished { node, outcome, reason, .. } => {
            let prepare = history.run.prepares.iter().find(|prepare| prepare.plan_node_id == *node);
            let start = prepare.and_then(|prepare| prepare.started_at);
            Some(format!("{node}: {}", end(*outcome, start, event.at, reason, color)))
        }
        What::AcceleratorChosen { accelerator, reason } => Some(format!("guests run with {accelerator}: {reason}")),
        What::JobStarted { job, attempt: 1, .. } => Some(format!("{job}: started")),
        What::JobStarted { job, attempt, .. } => Some(format!("{job}: started again (attempt {attempt})")),
        What::AttemptFinished(finished) | What::JobFinished(finished) => {
            let start = history.job(&finished.job).and_then(|job| job.started_at);
            let cut = if finished.log_cut { "; its log is cut" } else { "" };
            let flaky = if history.job(&finished.job).is_some_and(|job| job.flaky) { " (flaky)" } else { "" };
            let end = end(finished.outcome, start, event.at, &finished.reason, color);
            Some(format!("{}: {end}{flaky}{cut}", finished.job))
        }
        What::CancelRequested { by } => Some(format!("{by}: ending the jobs that run; once more to kill them")),
    }
}

/// Returns what goes on in a phase of a guest, for the live line of its job.
#[must_use]
pub fn phase(name: &str) -> &str {
    match name {
        "init" | "drivers" | "ready" | "request" | "shares" => "booting",
        "job" => "running its command",
        "collect" | "end" => "bringing back what it left",
        other => other,
    }
}

fn end(outcome: Outcome, start: Option<Timestamp>, at: Timestamp, reason: &Reason, color: bool) -> String {
    let took = start.map(|start| format!(" in {}", duration(start, at))).unwrap_or_default();
    let why = reason.message.as_deref().map(|message| format!(": {}", plain(message))).unwrap_or_default();
    format!("{}{took}{why}", paint(Status::Done(outcome), color))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{after, begun, ended, start};
    use super::line;
    use crate::event::{Event, JobFinished, Reason, What};
    use crate::record::Outcome;

    #[test]
    fn the_end_of_a_job_tells_how_long_and_why() {
        let mut history = begun("1", &["build", "test"]);
        start(&mut history, "build");
        let reason = Reason { message: Some("the command ended with exit code 2".to_owned()), ..Reason::default() };
        let line = |job: &str, color: bool| {
            let finished = ended(job, Outcome::Failed, Some(2), reason.clone());
            line(&Event { at: after(5_000), what: What::JobFinished(Box::new(finished)) }, &history, color).unwrap()
        };
        assert_eq!(line("build", false), "build: failed in 4.0s: the command ended with exit code 2");
        let cut = JobFinished { log_cut: true, ..ended("build", Outcome::Passed, Some(0), Reason::default()) };
        let cut = Event { at: after(5_000), what: What::JobFinished(Box::new(cut)) };
        assert_eq!(super::line(&cut, &history, false).unwrap(), "build: passed in 4.0s; its log is cut");
        assert_eq!(line("test", false), "test: failed: the command ended with exit code 2");
        assert!(line("test", true).starts_with("test: \u{1b}[31mfailed\u{1b}[0m: "));
    }
}
