//! Runs with failpoints, and assertions about their records.

use pikaci::event::Outcome;
use pikaci::record::RunRecord;

use crate::support::processes::{Running, START};
use crate::support::project::{Project, Ran, json};

/// Runs with failpoints, asserts that the record has ended and nothing is alive, and returns it.
#[track_caller]
pub fn run_with_failpoints(project: &Project, failpoints: &str, code: i32) -> (Ran, RunRecord) {
    let mut command = project.command(&["run"]);
    command.env("FAILPOINTS", failpoints);
    let ran = Running::start(&command).ends_within(START, failpoints).exits(code);
    let record = project.record();
    assert!(record.finished_at.is_some());
    assert!(record.jobs.iter().all(|job| job.status.outcome().is_some()), "{:?}", record.jobs);
    let last = project.last_run();
    let events = std::fs::read_to_string(last.join("events.jsonl")).unwrap();
    assert!(events.lines().last().unwrap().contains(r#""event":"run_finished""#), "{events}");
    (ran, record)
}

/// Asserts that the record of each job agrees with the record of the run.
#[track_caller]
pub fn assert_job_records_agree(project: &Project, record: &RunRecord) {
    for job in &record.jobs {
        assert_eq!(json(&project.state(&job.status_path))["status"], job.status.word(), "{}", job.id);
    }
}

pub fn outcomes(record: &RunRecord) -> Vec<&'static str> {
    record.jobs.iter().map(|job| job.status.word()).collect()
}

/// Runs with a failpoint that panics in the first job, and asserts that only that job is errored.
#[track_caller]
pub fn assert_only_one_job_is_errored(project: &Project, failpoints: &str) {
    let (ran, record) = run_with_failpoints(project, failpoints, 102);
    assert_eq!(record.status.outcome(), Some(Outcome::Errored));
    assert_eq!(outcomes(&record), ["errored", "skipped"]);
    assert_job_records_agree(project, &record);
    let message = project.job("a").exit.reason.message.unwrap();
    assert!(message.starts_with("pikaci panicked: lost"), "{message}");
    assert!(ran.stdout.contains(&message), "{}", ran.stdout);
}
