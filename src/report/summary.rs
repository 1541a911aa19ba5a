//! The summary at the end of a run.

use std::path::Path;

use super::duration::duration;
use super::paint::{paint, paint_to};
use super::remedies::{FailureOutput, remedies};
use super::tally::tally;
use super::unisolated::UNISOLATED;
use super::warnings::warnings;
use super::{Page, left_out};
use crate::event::Outcome;
use crate::plan::record::LOCAL;
use crate::record::{History, JobRecord, PrepareRecord};
use crate::text::{LINE, MESSAGE, count, cut, plain, quote};

/// Largest number of jobs with a paragraph of their own; the table has all of them.
const MAX_PARAGRAPHS: usize = 8;
/// Largest number of output lines of all jobs together, apart from the few lines that each job has in any case.
const MAX_OUTPUT: usize = 24;
/// Largest number of jobs of a run whose table includes passed jobs.
const MAX_FULL_TABLE: usize = 24;

/// Renders the end of a run: the failures with the last lines of their output, a table of the jobs, then hints.
#[must_use]
pub fn summary(history: &History, output: &FailureOutput, state_root: &Path) -> Page {
    let run = &history.run;
    let has_ended_well = |prepare: &&PrepareRecord| {
        prepare.status.outcome().is_some_and(|outcome| outcome.is_success() || outcome == Outcome::Skipped)
    };
    let prepares: Vec<_> = run.prepares.iter().filter(|prepare| !has_ended_well(prepare)).collect();
    let failed: Vec<_> = history.jobs.iter().filter(|job| has_paragraph(job)).collect();
    let mut page = Page::default();
    for prepare in &prepares {
        add_prepare(&mut page, prepare, state_root);
    }
    let lines = (MAX_OUTPUT / failed.len().max(1)).clamp(3, 20);
    for job in failed.iter().take(MAX_PARAGRAPHS) {
        let tail = output.tails.get(&job.id).map_or(&[][..], Vec::as_slice);
        add_job(&mut page, job, &tail[tail.len().saturating_sub(lines)..], state_root);
    }
    if failed.len() > MAX_PARAGRAPHS {
        page.line("");
        page.line(format!("--- and {}", count(failed.len() - MAX_PARAGRAPHS, "more job")));
    }
    page.line("");
    page.append(table(history));
    let local = history.jobs.iter().filter(|job| job.executor == LOCAL && job.started_at.is_some()).count();
    if local > 0 {
        page.line(format!("{} ran {UNISOLATED} (base `none`)", count(local, "job")));
    }
    let took = run.finished_at.map(|end| format!(" in {}", duration(run.created_at, end))).unwrap_or_default();
    let message = run.message.as_ref().map(|message| format!(" ({})", cut(message, MESSAGE))).unwrap_or_default();
    let after = format!("{took}: {}{message}", tally(&run.jobs));
    page.painted_line(format!("run {} ", run.run_id), paint(run.status), after);
    let logs = |job: &JobRecord| Some(format!("pikaci logs --job {}", quote(job.id.as_str())));
    let hints = remedies(prepares, failed, output, logs);
    for hint in hints.into_iter().chain(left_out::hint(run)) {
        page.line(format!("hint: {hint}"));
    }
    page
}

/// Returns true if a job needs a paragraph of its own.
fn has_paragraph(job: &JobRecord) -> bool {
    matches!(job.status.outcome(), Some(Outcome::Failed | Outcome::TimedOut | Outcome::Errored))
}

fn add_prepare(page: &mut Page, prepare: &PrepareRecord, state_root: &Path) {
    let message = prepare.reason.message.as_deref().map(|message| cut(message, MESSAGE)).unwrap_or_default();
    page.line("");
    page.painted_line(format!("--- {} ", prepare.plan_node_id), paint(prepare.status), format!(": {message}"));
    for line in &prepare.reason.evidence {
        page.line(format!("    {}", cut(line, LINE)));
    }
    if let Some(log) = &prepare.log_path {
        page.line(format!("  full log: {}", state_root.join(log).display()));
    }
}

fn add_job(page: &mut Page, job: &JobRecord, tail: &[String], state_root: &Path) {
    let message =
        job.exit.reason.message.as_deref().map(|message| format!(": {}", cut(message, MESSAGE))).unwrap_or_default();
    page.line("");
    let allowed = if job.allowed { " (allowed)" } else { "" };
    page.painted_line(format!("--- {} ", job.id), paint(job.status), format!("{allowed}{message}"));
    for line in tail {
        page.line(format!("    {}", cut(line, LINE)));
    }
    if job.log_cut {
        page.line("    [the log is cut: bytes of the output are missing]");
    } else if tail.is_empty() && job.started_at.is_some() {
        page.line("    [it printed nothing]");
    }
    if !job.exit.reason.evidence.is_empty() {
        page.line("  console and host log:");
    }
    for line in &job.exit.reason.evidence {
        page.line(format!("    {}", cut(line, LINE)));
    }
    // Before its first phase a guest has no output, and maybe no guest was started.
    let log = if job.phase.is_some() || !tail.is_empty() { &job.logs.guest_log_path } else { &job.logs.host_log_path };
    if let Some(log) = log {
        page.line(format!("  full log: {}", state_root.join(log).display()));
    }
}

/// Renders a line for each job; in a run with many jobs only for those with a failure, a warning or a cut log.
fn table(history: &History) -> Page {
    let all = history.jobs.len() <= MAX_FULL_TABLE;
    let has_note = |job: &JobRecord| job.log_cut || !job.warnings.is_empty();
    let shown = |job: &&JobRecord| all || has_note(job) || !job.status.outcome().is_some_and(Outcome::is_success);
    let jobs: Vec<_> = history.jobs.iter().filter(shown).collect();
    let left_out = &history.run.left_out;
    let names = jobs.iter().map(|job| &job.id).chain(left_out.iter().map(|job| &job.id));
    let width = names.map(|name| name.as_str().chars().count()).max().unwrap_or(0);
    let mut page = Page::default();
    for job in jobs {
        let took = job.first_started_at().zip(job.finished_at).map(|(from, to)| duration(from, to)).unwrap_or_default();
        let artifacts = match job.artifacts.artifacts {
            0 => String::new(),
            number => format!("  {}", count(usize::try_from(number).unwrap_or(usize::MAX), "artifact")),
        };
        let cut_log = if job.log_cut { "  the log is cut" } else { "" };
        let taken = job.taken_from.as_ref().map(|run| format!("  the result of run {run}")).unwrap_or_default();
        let message = if has_paragraph(job) { None } else { job.exit.reason.message.as_deref() };
        let message = message.map(|message| format!("  {}", cut(message, MESSAGE))).unwrap_or_default();
        let word = paint_to(job.status, "cancelled".len());
        let flaky = if job.flaky { format!("  flaky: attempt {}", job.attempt) } else { String::new() };
        let allowed = if job.allowed { "  allowed" } else { "" };
        page.painted_line(
            "  ",
            word,
            format!("  {:width$}  {took:>6}{artifacts}{taken}{cut_log}{flaky}{allowed}{message}", job.id),
        );
        for cache in &job.caches {
            page.line(format!("             {}", plain(&cache.text())));
        }
        for warning in warnings(job) {
            page.line(format!("             {warning}"));
        }
    }
    for line in left_out::lines(left_out, |job, reason| format!("  left out   {job:width$}          {reason}")) {
        page.line(line);
    }
    page
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::super::fixture::{apply, begun, ended, finished, place, start};
    use super::super::remedies::FailureOutput;
    use super::summary;
    use crate::event::{EventKind, LogPaths, Outcome, Reason};
    use crate::id::{JobId, NodeId};
    use crate::record::History;

    fn text(history: &History, tails: &BTreeMap<JobId, Vec<String>>) -> String {
        let output = FailureOutput { tails: tails.clone(), hints: BTreeMap::new() };
        summary(history, &output, Path::new("/p/.pikaci")).render(false)
    }

    #[test]
    fn a_hint_of_the_output_replaces_the_command_that_prints_the_log() {
        let output = FailureOutput {
            tails: BTreeMap::new(),
            hints: ["unit tests", "emulate"].map(|job| (JobId::new(job), format!("repair {job}"))).into(),
        };
        let text = summary(&finished(), &output, Path::new("/p/.pikaci")).render(false);
        assert!(
            text.ends_with("\nhint: repair unit tests\nhint: pikaci logs --job emulate --kind console\n"),
            "{text}"
        );
    }

    #[test]
    fn a_summary_has_failures_a_table_and_hints() {
        let lines = ["cc -c utf8.c", "\u{1b}[31mutf8.c:3: error:\u{1b}[0m no", "make: *** [all] Error 1"];
        let tails = BTreeMap::from([(JobId::new("unit tests"), lines.map(str::to_owned).to_vec())]);
        insta::assert_snapshot!(text(&finished(), &tails).trim_start(), @"
        --- unit tests failed: the command ended with exit code 2
            cc -c utf8.c
            utf8.c:3: error: no
            make: *** [all] Error 1
          full log: /p/.pikaci/runs/20261122-101500-4f2a31/jobs/unit+20tests/attempts/1/guest.log

        --- emulate errored: the guest's kernel panicked while it booted
            [the log is cut: bytes of the output are missing]
          console and host log:
            Kernel panic - not syncing: no init
          full log: /p/.pikaci/runs/20261122-101500-4f2a31/jobs/emulate/attempts/1/host.log

          passed     build         4.2s  2 artifacts
          failed     unit tests     19s
          errored    emulate        29s  the log is cut
          skipped    deploy              it needs unit tests, which didn't pass
        run 20261122-101500-4f2a31 errored in 1m05s: 1 passed, 1 failed, 1 errored, 1 skipped
        hint: pikaci logs --job 'unit tests'
        hint: pikaci logs --job emulate --kind console
        ");
    }

    #[test]
    fn the_duration_of_a_job_includes_every_attempt() {
        let mut history = begun("1", &["build"]);
        start(&mut history, "build");
        let failed = ended("build", Outcome::Failed, Some(2), Reason::default());
        apply(&mut history, 5_000, EventKind::AttemptFinished(Box::new(failed)));
        let logs = LogPaths { host: place("runs/1/h"), guest: place("runs/1/g"), console: None };
        apply(&mut history, 6_000, EventKind::JobStarted { job: JobId::new("build"), attempt: 2, logs });
        let passed = ended("build", Outcome::Passed, Some(0), Reason::default());
        apply(&mut history, 9_000, EventKind::JobFinished(Box::new(passed)));
        let text = text(&history, &BTreeMap::new());
        assert!(text.contains("passed     build    8.0s  flaky: attempt 2"), "{text}");
    }

    #[test]
    fn a_runner_that_could_not_be_built_has_its_evidence_and_its_hint() {
        let mut history = begun("20261122-101500-4f2a31", &["build"]);
        let node = NodeId::new("prepare:0a1b2c3d4e5f");
        let log_path = place("runs/1/prepare-0a1b2c3d4e5f.log");
        apply(&mut history, 0, EventKind::PrepareStarted { node: node.clone(), log_path });
        let mut reason = Reason::new("nix build failed", "less prepare.log");
        reason.evidence = vec!["error: builder failed".to_owned()];
        apply(&mut history, 900, EventKind::PrepareFinished { node, outcome: Outcome::Failed, runner: None, reason });
        let skipped = Reason { message: Some("its runner couldn't be built".to_owned()), ..Reason::default() };
        let skipped = ended("build", Outcome::Skipped, None, skipped);
        apply(&mut history, 900, EventKind::JobFinished(Box::new(skipped)));
        apply(&mut history, 1_000, EventKind::RunFinished { outcome: Outcome::Errored, message: None });
        insta::assert_snapshot!(text(&history, &BTreeMap::new()).trim_start(), @r#"
        --- prepare:0a1b2c3d4e5f failed: nix build failed
            error: builder failed
          full log: /p/.pikaci/runs/1/prepare-0a1b2c3d4e5f.log

          skipped    build          its runner couldn't be built
        run 20261122-101500-4f2a31 errored in 1.0s: 1 skipped
        hint: less prepare.log
        "#);
    }

    #[test]
    fn a_long_line_leaves_a_screen_readable() {
        let tails = BTreeMap::from([(JobId::new("unit tests"), vec!["x".repeat(100_000)])]);
        let text = text(&finished(), &tails);
        assert!(text.contains(&format!("\n    {}…\n", "x".repeat(200))), "{text}");
        assert!(text.lines().all(|line| line.chars().count() < 600), "{text}");
    }

    /// Of a thousand jobs every tenth fails with twenty lines of output.
    #[test]
    fn many_jobs_leave_a_screen_readable() {
        let names: Vec<String> = (0..1000).map(|number| format!("job{number:03}")).collect();
        let mut history = begun("1", &names.iter().map(String::as_str).collect::<Vec<_>>());
        let mut tails = BTreeMap::new();
        for (number, name) in names.iter().enumerate() {
            start(&mut history, name);
            let outcome = if number % 10 == 0 { Outcome::Failed } else { Outcome::Passed };
            apply(&mut history, 2000, EventKind::JobFinished(Box::new(ended(name, outcome, None, Reason::default()))));
            tails.insert(JobId::new(name), vec!["line".to_owned(); 20]);
        }
        apply(&mut history, 3000, EventKind::RunFinished { outcome: Outcome::Failed, message: Some("why".to_owned()) });
        let text = text(&history, &tails);
        assert_eq!(text.lines().filter(|line| *line == "    line").count(), 8 * 3);
        assert!(text.contains("\n--- and 92 more jobs\n"), "{text}");
        assert!(!text.contains("job001"), "{text}");
        assert!(text.ends_with("\nrun 1 failed in 3.0s: 900 passed, 100 failed (why)\nhint: pikaci logs --job job000\nhint: pikaci logs --job job010\nhint: pikaci logs --job job020\n"), "{text}");
    }
}
