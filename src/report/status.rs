//! The status of one run.

use std::path::Path;

use serde::Serialize;

use super::duration::duration;
use super::paint::{paint, paint_to};
use super::remedies::{FailureOutput, remedies};
use super::schema_version::SCHEMA_VERSION;
use super::tally::tally;
use super::unisolated::UNISOLATED;
use super::warnings::warnings;
use super::{Clock, Page, left_out};
use crate::event::{Outcome, Status};
use crate::id::RecordedPath;
use crate::plan::record::LOCAL;
use crate::record::{History, JobRecord, RunRecord};
use crate::text::{count, plain, quote};

/// Command that prints a log.
const LOGS: &str = "pikaci logs";

/// Run with the records of its jobs, for JSON.
#[derive(Clone, Debug, Serialize)]
pub struct RunStatus<'a> {
    schema_version: u32,
    /// State folder; paths in the records are relative to it.
    state_root: &'a Path,
    run: &'a RunRecord,
    jobs: &'a [JobRecord],
}

impl<'a> RunStatus<'a> {
    /// Creates the status of a run in a state folder.
    #[must_use]
    pub fn new(history: &'a History, state_root: &'a Path) -> Self {
        Self { schema_version: SCHEMA_VERSION, state_root, run: &history.run, jobs: &history.jobs }
    }
}

/// Renders a run: its circumstances, its nodes with their logs, then hints.
#[must_use]
pub fn status(history: &History, output: &FailureOutput, state_root: &Path, clock: &Clock) -> Page {
    let run = &history.run;
    let mut page = Page::default();
    page.painted_line(format!("run      {} ", run.run_id), paint(run.status), format!(": {}", tally(&run.jobs)));
    for (name, value) in circumstances(run, clock) {
        page.line(format!("{name:8} {}", plain(&value)));
    }
    page.line("");
    let names = history.jobs.iter().map(|job| job.id.as_str());
    let names = names.chain(run.prepares.iter().map(|prepare| prepare.plan_node_id.as_str()));
    let names = names.chain(run.left_out.iter().map(|job| job.id.as_str()));
    let width = names.map(|name| name.chars().count()).max().unwrap_or(0);
    for prepare in &run.prepares {
        let took = took(prepare.started_at, prepare.finished_at, prepare.status, clock);
        let word = paint_to(prepare.status, "cancelled".len());
        let message = prepare.reason.message.as_deref().map(plain).unwrap_or_default();
        page.painted_line("  ", word, format!("  {:width$}  {took:>6}  {message}", prepare.plan_node_id));
        if let Some(log) = prepare.log_path.as_ref().filter(|_| !is_success(prepare.status)) {
            page.line(format!("             {}", path(state_root, log)));
        }
    }
    for job in &history.jobs {
        let took = took(job.first_started_at(), job.finished_at, job.status, clock);
        let word = paint_to(job.status, "cancelled".len());
        page.painted_line("  ", word, format!("  {:width$}  {took:>6}  {}", job.id, details(job)));
        if let Some(logs) = logs(job, state_root) {
            page.line(format!("             {logs}"));
        }
        for step in &job.steps {
            let took = self::took(step.started_at, step.finished_at, step.status, clock);
            let word = paint_to(step.status, "cancelled".len());
            page.painted_line("             ", word, format!("  {}  {took}", plain(&step.name)));
        }
        for service in job.services.iter().filter(|service| service.ended_at.is_some()) {
            let code = service.exit_code.unwrap_or_default();
            page.line(format!("             service {} ended with exit code {code}", plain(&service.name)));
        }
        for cache in &job.caches {
            page.line(format!("             {}", plain(&cache.text())));
        }
        for warning in warnings(job) {
            page.line(format!("             {warning}"));
        }
    }
    for line in left_out::lines(&run.left_out, |job, reason| format!("  left out   {job:width$}          {reason}")) {
        page.line(line);
    }
    // A hint of a record that prints a log is about the latest run; the hint for the log names this one.
    let is_remedied = |job: &&JobRecord| job.exit.reason.hint.as_ref().is_none_or(|hint| !hint.starts_with(LOGS));
    let remedies = remedies(&run.prepares, history.jobs.iter().filter(is_remedied), output, |_| None);
    let hints: Vec<String> = remedies.into_iter().chain(log_hint(history)).chain(left_out::hint(run)).collect();
    if !hints.is_empty() {
        page.line("");
    }
    for hint in hints {
        page.line(format!("hint: {hint}"));
    }
    page
}

fn is_success(status: Status) -> bool {
    status.outcome().is_some_and(Outcome::is_success)
}

fn circumstances(run: &RunRecord, clock: &Clock) -> Vec<(&'static str, String)> {
    let description = run.source.target_description.as_ref().map(|text| format!(": {text}")).unwrap_or_default();
    let took = match (run.finished_at, run.status) {
        (Some(end), _) => format!(", took {}", duration(run.created_at, end)),
        (None, Status::Open(_)) => format!(", {} so far", duration(run.created_at, clock.now)),
        (None, Status::Done(_)) => String::new(),
    };
    let commit = run.source.git_head.as_ref().map(|head| {
        let changed = if run.source.git_dirty == Some(true) { ", with changes" } else { "" };
        format!("{head}{changed}")
    });
    let guests = run.accelerator.as_ref().map(|accelerator| format!("{}: {}", accelerator.name, accelerator.reason));
    let rerun = run.source.rerun_of.as_ref().map(|id| format!("of run {id}"));
    let ago = clock.when(run.created_at);
    [
        ("target", Some(format!("{}{description}", run.source.target_id))),
        ("rerun", rerun),
        ("when", Some(format!("{} ({ago}){took}", clock.date_and_time(run.created_at)))),
        ("project", Some(run.source.source_root.clone())),
        ("commit", commit),
        ("guests", guests),
        ("message", run.message.clone()),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?)))
    .collect()
}

fn took(from: Option<jiff::Timestamp>, to: Option<jiff::Timestamp>, status: Status, clock: &Clock) -> String {
    let to = to.or_else(|| status.outcome().is_none().then_some(clock.now));
    from.zip(to).map(|(from, to)| duration(from, to)).unwrap_or_default()
}

fn details(job: &JobRecord) -> String {
    let phase = match job.status {
        Status::RUNNING => job.phase.as_ref().map(|phase| format!("in phase {phase}")),
        Status::Done(Outcome::Errored) => job.phase.as_ref().map(|phase| format!("last phase {phase}")),
        _ => None,
    };
    let exit_code = || job.exit.exit_code.filter(|code| *code != 0).map(|code| format!("exit code {code}"));
    let parts = [
        job.exit.reason.message.as_deref().map(plain).or_else(exit_code),
        phase,
        (job.attempt > 1).then(|| format!("attempt {}", job.attempt)),
        job.taken_from.as_ref().map(|run| format!("the result of run {run}")),
        job.flaky.then(|| "flaky".to_owned()),
        job.allowed.then(|| "allowed".to_owned()),
        (job.executor == LOCAL).then(|| UNISOLATED.to_owned()),
        (job.artifacts.artifacts > 0)
            .then(|| count(usize::try_from(job.artifacts.artifacts).unwrap_or(usize::MAX), "artifact")),
        job.log_cut.then(|| "the log is cut".to_owned()),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// Returns the path of the log with the job's output, and the names of the logs in the same folder.
fn logs(job: &JobRecord, state_root: &Path) -> Option<String> {
    let name = |log: &Option<RecordedPath>| Some(Path::new(log.as_ref()?.as_str()).file_name()?.display().to_string());
    let beside = [name(&job.logs.host_log_path), name(&job.logs.console_log_path)].into_iter().flatten();
    let output = path(state_root, job.logs.guest_log_path.as_ref()?);
    Some(beside.fold(output, |text, name| format!("{text}, {name}")))
}

fn path(state_root: &Path, relative: &RecordedPath) -> String {
    state_root.join(relative).display().to_string()
}

/// Returns the command that prints the log of interest.
fn log_hint(history: &History) -> Option<String> {
    let job = |statuses: &[Status]| history.jobs.iter().find(|job| statuses.contains(&job.status));
    let logs = |job: &JobRecord| format!("{LOGS} {} --job {}", history.run.run_id, quote(job.id.as_str()));
    if let Some(job) = job(&[Status::RUNNING]) {
        return Some(format!("{} --follow", logs(job)));
    }
    if let Some(job) = job(&[Status::Done(Outcome::Failed), Status::Done(Outcome::TimedOut)]) {
        return Some(logs(job));
    }
    let job = job(&[Status::Done(Outcome::Errored)])?;
    let kind = if job.exit.reason.evidence.is_empty() { "host" } else { "console" };
    Some(format!("{} --kind {kind}", logs(job)))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::fixture::{clock, finished, running};
    use super::super::remedies::FailureOutput;
    use super::{RunStatus, status};
    use crate::id::JobId;

    fn text(history: &crate::record::History) -> String {
        status(history, &FailureOutput::default(), Path::new("/p/.pikaci"), &clock()).render(false)
    }

    #[test]
    fn a_failed_run_has_the_remedies_of_its_failures() {
        let mut history = finished();
        let remedy = "pikaci logs --job deploy; a larger `memory` for the guest may help".to_owned();
        history.jobs[3].exit.reason.hint = Some(remedy);
        history.run.prepares[0].reason.hint = Some("repair the runner".to_owned());
        let hints = ["unit tests", "emulate"].map(|job| (JobId::new(job), format!("repair {job}")));
        let output = FailureOutput { hints: hints.into(), ..FailureOutput::default() };
        let text = status(&history, &output, Path::new("/p/.pikaci"), &clock()).render(false);
        let end = "\n\nhint: repair the runner\nhint: repair unit tests\n\
                   hint: pikaci logs 20261122-101500-4f2a31 --job 'unit tests'\n";
        assert!(text.ends_with(end), "{text}");
    }

    #[test]
    fn a_failed_run_has_a_hint_to_read_a_log() {
        insta::assert_snapshot!(text(&finished()), @r#"
        run      20261122-101500-4f2a31 errored: 1 passed, 1 failed, 1 errored, 1 skipped
        target   pre-merge: What has to pass
        when     2026-11-22 12:15:00 (3 min ago), took 1m05s
        project  /p
        commit   0123456789abcdef0123456789abcdef01234567, with changes
        guests   tcg: /dev/kvm isn't there

          passed     prepare:0a1b2c3d4e5f    0.8s
          passed     build                   4.2s  2 artifacts
                     /p/.pikaci/runs/20261122-101500-4f2a31/jobs/build/attempts/1/guest.log, host.log, console.log
          failed     unit tests               19s  the command ended with exit code 2
                     /p/.pikaci/runs/20261122-101500-4f2a31/jobs/unit+20tests/attempts/1/guest.log, host.log, console.log
          errored    emulate                  29s  the guest's kernel panicked while it booted, the log is cut
                     /p/.pikaci/runs/20261122-101500-4f2a31/jobs/emulate/attempts/1/guest.log, host.log, console.log
          skipped    deploy                        it needs unit tests, which didn't pass

        hint: pikaci logs 20261122-101500-4f2a31 --job 'unit tests'
        "#);
    }

    #[test]
    fn a_running_run_has_a_hint_to_follow_its_log() {
        insta::assert_snapshot!(text(&running()), @r#"
        run      20261122-101500-9c0d1e running: 1 passed, 1 running, 1 queued
        target   pre-merge: What has to pass
        when     2026-11-22 12:15:00 (3 min ago), 3m20s so far
        project  /p
        commit   0123456789abcdef0123456789abcdef01234567, with changes
        guests   tcg: /dev/kvm isn't there

          passed     build         4.2s
                     /p/.pikaci/runs/20261122-101500-9c0d1e/jobs/build/attempts/1/guest.log, host.log, console.log
          running    unit tests   3m19s  in phase job
                     /p/.pikaci/runs/20261122-101500-9c0d1e/jobs/unit+20tests/attempts/1/guest.log, host.log, console.log
          queued     deploy

        hint: pikaci logs 20261122-101500-9c0d1e --job 'unit tests' --follow
        "#);
    }

    #[test]
    fn json_holds_the_records() {
        let history = finished();
        let value = serde_json::to_value(RunStatus::new(&history, Path::new("/p/.pikaci"))).unwrap();
        assert_eq!(value["run"], serde_json::to_value(&history.run).unwrap());
        assert_eq!(value["jobs"], serde_json::to_value(&history.jobs).unwrap());
        assert_eq!(value["state_root"], "/p/.pikaci");
    }
}
