//! Events, one line each.

use jiff::Timestamp;

use super::duration::duration;
use super::paint::paint;
use super::{Page, left_out};
use crate::event::{Event, EventKind, Outcome, Reason, Status};
use crate::record::History;
use crate::text::{count, plain};

/// Renders an event, or returns `None` for an event that isn't shown. The start of a run has a further line for each
/// job that is left out.
#[must_use]
pub fn event_line(event: &Event, history: &History) -> Option<Page> {
    match &event.kind {
        EventKind::RunStarted(start) => {
            let mut page = Page::from(format!("run {}: {}", start.run_id, count(start.jobs.len(), "job")));
            for line in left_out::lines(&start.left_out, |job, reason| format!("{job}: left out: {reason}")) {
                page.line(line);
            }
            Some(page)
        }
        EventKind::PrepareStarted { .. }
        | EventKind::JobPhase { .. }
        | EventKind::StepStarted { .. }
        | EventKind::ServiceReady { .. }
        | EventKind::ServiceLog { .. }
        | EventKind::RunFinished { .. } => None,
        EventKind::StepFinished { job, step, outcome, .. } => {
            let record = history.job(job).and_then(|job| job.steps.iter().find(|record| record.name == *step));
            let start = record.and_then(|record| record.started_at);
            Some(end(&format!("{job}: {}", plain(step)), *outcome, start, event.at, &Reason::default(), ""))
        }
        EventKind::ServiceEnded { job, service, exit_code } => {
            Some(format!("{job}: service {} ended with exit code {exit_code}", plain(service)).into())
        }
        EventKind::PrepareFinished { node, outcome: Outcome::Cached, .. } => {
            Some(format!("{node}: the runner is cached").into())
        }
        EventKind::PrepareFinished { node, outcome, reason, .. } => {
            let prepare = history.run.prepares.iter().find(|prepare| prepare.plan_node_id == *node);
            let start = prepare.and_then(|prepare| prepare.started_at);
            Some(end(node.as_str(), *outcome, start, event.at, reason, ""))
        }
        EventKind::AcceleratorChosen { accelerator, reason } => {
            Some(format!("guests run with {accelerator}: {reason}").into())
        }
        EventKind::JobStarted { job, attempt: 1, .. } => Some(format!("{job}: started").into()),
        EventKind::JobStarted { job, attempt, .. } => Some(format!("{job}: started again (attempt {attempt})").into()),
        EventKind::AttemptFinished(finished) | EventKind::JobFinished(finished) => {
            let start = history.job(&finished.job).and_then(|job| job.started_at);
            let cut = if finished.end.log.log_cut { "; its log is cut" } else { "" };
            let flaky = if history.job(&finished.job).is_some_and(|job| job.flaky) { " (flaky)" } else { "" };
            let allowed = if finished.end.allowed { " (allowed)" } else { "" };
            let from = finished.end.taken.as_ref().map(|taken| format!(": the result of run {}", taken.from));
            let more = format!("{}{flaky}{allowed}{cut}", from.unwrap_or_default());
            let mut page =
                end(finished.job.as_str(), finished.end.outcome, start, event.at, &finished.end.exit.reason, &more);
            for warning in &finished.end.warnings {
                page.line(format!("{}: warning: {}", finished.job, plain(warning)));
            }
            Some(page)
        }
        EventKind::CancelRequested { by } => Some(format!("{by}: ending the running jobs; repeat to kill them").into()),
    }
}

fn end(name: &str, outcome: Outcome, start: Option<Timestamp>, at: Timestamp, reason: &Reason, more: &str) -> Page {
    let took = start.map(|start| format!(" in {}", duration(start, at))).unwrap_or_default();
    let message = reason.message.as_deref().map(|message| format!(": {}", plain(message))).unwrap_or_default();
    let mut page = Page::default();
    page.painted_line(format!("{name}: "), paint(Status::Done(outcome)), format!("{took}{message}{more}"));
    page
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{after, begun, ended, start};
    use super::event_line;
    use crate::event::{Event, EventKind, Outcome, Reason};

    #[test]
    fn the_end_of_a_job_has_its_duration_and_its_reason() {
        let mut history = begun("1", &["build", "test"]);
        start(&mut history, "build");
        let reason = Reason { message: Some("the command ended with exit code 2".to_owned()), ..Reason::default() };
        let line = |job: &str, color: bool| {
            let finished = ended(job, Outcome::Failed, Some(2), reason.clone());
            let event = Event { at: after(5_000), kind: EventKind::JobFinished(Box::new(finished)) };
            event_line(&event, &history).unwrap().render(color)
        };
        assert_eq!(line("build", false), "build: failed in 4.0s: the command ended with exit code 2\n");
        let mut cut = ended("build", Outcome::Passed, Some(0), Reason::default());
        cut.end.log.log_cut = true;
        let cut = Event { at: after(5_000), kind: EventKind::JobFinished(Box::new(cut)) };
        assert_eq!(event_line(&cut, &history).unwrap().render(false), "build: passed in 4.0s; its log is cut\n");
        assert_eq!(line("test", false), "test: failed: the command ended with exit code 2\n");
        assert!(line("test", true).starts_with("test: \u{1b}[31mfailed\u{1b}[0m: "));
    }
}
