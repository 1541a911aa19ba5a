//! Failures of pikaci itself and of its state folder: the records are still completed, and the next run works.

use std::process::Command;
use std::{fs, io};

use pikaci::event::Outcome;
use pikaci::id::JobId;
use pikaci::state;

use crate::support::broken_run::{
    assert_job_records_agree, assert_only_one_job_is_errored, outcomes, run_with_failpoints,
};
use crate::support::processes::{Running, START};
use crate::support::project::{Project, json};
use crate::support::records::Run;
use crate::support::replay::assert_folded;

const JOBS: &str = r#"{ guests.default.base = "none"; jobs.a = { command = "sleep 2"; timeout = "10m"; }; jobs.b = { command = "true"; needs = [ "a" ]; }; }"#;

#[test]
fn a_record_that_cannot_be_written_once_ends_the_run() {
    let project = Project::new(JOBS);
    let (ran, record) = run_with_failpoints(&project, "job.view.before=1*return(no space left)", 1);
    assert_eq!(record.status.outcome(), Some(Outcome::Errored));
    let message = record.message.clone().unwrap();
    assert!(
        message.starts_with("recording the run failed: writing ") && message.ends_with("no space left"),
        "{message}"
    );
    assert!(ran.stdout.contains(&message), "{}", ran.stdout);
    assert_eq!(outcomes(&record), ["cancelled", "cancelled"]);
    assert_job_records_agree(&project, &record);
    project.pikaci(&["run"]).exits(0);
}

#[test]
fn a_record_that_can_never_be_written_ends_the_run() {
    for (step, left) in [("job.view", ["cancelled", "cancelled"]), ("job.record", ["passed", "cancelled"])] {
        let project = Project::new(JOBS);
        let (_, record) = run_with_failpoints(&project, &format!("{step}.before=return(no space left)"), 1);
        assert_eq!(record.status.outcome(), Some(Outcome::Errored));
        assert_eq!(outcomes(&record), left);
    }
}

/// A record waits for the events that it follows from, and no event is lost.
#[test]
fn a_temporary_write_failure_ends_the_run_and_loses_no_event() {
    let project = Project::new(JOBS);
    let (_, record) = run_with_failpoints(&project, "run.event.before=2*off->3*return(no space left)->off", 1);
    let message = record.message.clone().unwrap();
    assert!(message.starts_with("recording the run failed: appending to ") && message.ends_with("no space left"));
    assert_job_records_agree(&project, &record);
    assert_folded(&project, record.run_id.as_str(), "after a while");

    let mut command = project.command(&["run"]);
    command.env("FAILPOINTS", "run.event.before=2*off->return(no space left)");
    let ran = Running::start(&command).ends_within(START, "no more events").exits(1);
    assert!(ran.stderr.contains("isn't recorded: recording the run failed: appending to "), "{}", ran.stderr);
    let last = project.runs().pop().unwrap();
    assert_eq!(project.record().finished_at, None, "a record waits for its last event");
    assert_eq!(
        project.pikaci(&["list"]).exits(0).stderr,
        format!("run {last} was interrupted; its end is now recorded\n")
    );
    assert_folded(&project, &last, "recovered");
}

#[test]
fn a_job_folder_that_cannot_be_created_ends_the_run() {
    let project = Project::new(JOBS);
    let (_, record) = run_with_failpoints(&project, "engine.job_folder=return(read-only file system)", 1);
    assert_eq!(record.status.outcome(), Some(Outcome::Errored));
    let message = record.message.clone().unwrap();
    assert!(
        message.starts_with("recording the run failed: making ") && message.ends_with("read-only file system"),
        "{message}"
    );
    assert_eq!(outcomes(&record), ["cancelled", "cancelled"]);
}

#[test]
fn a_panic_of_a_node_errors_only_that_node() {
    let project = Project::new(JOBS);
    assert_only_one_job_is_errored(&project, "engine.node=1*panic(lost)");
    project.pikaci(&["run"]).exits(0);
}

#[test]
fn a_panic_of_the_engine_ends_the_run() {
    let project = Project::new(
        r#"{ guests.default.base = "none"; jobs.a = { command = "sleep 600"; timeout = "10m"; }; jobs.b.command = "true"; }"#,
    );
    // The engine fails after a few turns, while a job runs: the runner exists.
    project.pikaci(&["run", "b"]).exits(0);
    let (_, record) = run_with_failpoints(&project, "engine.walk=60*off->1*panic(lost)", 102);
    assert_eq!(record.status.outcome(), Some(Outcome::Errored));
    assert!(record.message.as_ref().is_some_and(|message| message.contains("pikaci panicked: lost")), "{record:?}");
    assert_job_records_agree(&project, &record);
}

/// Creates a killed run with a job that passed and a job that was running.
fn killed(project: &Project) -> Run {
    let mut run = Run::begin(project, "1", &["a", "b"]);
    run.start("a");
    run.finish("a", Outcome::Passed, None);
    run.start("b");
    run.is_killed();
    run
}

#[test]
fn a_job_keeps_its_outcome_if_its_event_is_lost() {
    for (keeps, ends) in [
        ("all but its last event", ["passed", "errored"]),
        ("the first event", ["passed", "cancelled"]),
        ("noise", ["passed", "errored"]),
    ] {
        let project = Project::new(JOBS);
        project.pikaci(&["list"]).exits(0);
        let run = killed(&project);
        let events = run.layout().events();
        let text = fs::read_to_string(&events).unwrap();
        let lost: String = text.split_inclusive('\n').filter(|line| !line.contains("job_finished")).collect();
        let kept = match keeps {
            "noise" => "noise\n",
            "the first event" => lost.split_inclusive('\n').next().unwrap(),
            _ => &lost,
        };
        fs::write(&events, kept).unwrap();
        let before = json(&run.layout().job(&JobId::new("a")).status());
        let message = project.pikaci(&["list"]).exits(0).stderr;
        assert_eq!(message, "run 1 was interrupted; its end is now recorded\n", "{keeps}");
        let record = project.record();
        assert_eq!(outcomes(&record), ends, "{keeps}");
        assert_eq!(record.status.outcome(), Some(Outcome::Errored));
        let after = json(&run.layout().job(&JobId::new("a")).status());
        assert_eq!(after, before, "{keeps}");
        assert_job_records_agree(&project, &record);
    }
}

#[test]
fn a_run_that_never_started_is_not_listed() {
    let project = Project::new(JOBS);
    state::open(&project.state("")).unwrap();
    let mut ran = project.command(&["run"]);
    ran.env("FAILPOINTS", "run.plan.before=return(no space)");
    assert_ne!(ran.output().unwrap().status.code(), Some(0));
    assert_eq!(project.runs(), [""; 0]);
    // SIGKILL leaves this folder.
    fs::create_dir_all(project.state("runs/.tmp-aB3")).unwrap();
    assert_eq!(project.pikaci(&["list"]).exits(0).stderr, "no runs yet\nhint: pikaci run\n");
    project.pikaci(&["gc"]).exits(0);
    assert_eq!(project.runs(), [""; 0]);
}

#[test]
fn a_run_needs_no_reader_of_its_output() {
    let project = Project::new(JOBS);
    let mut command: Command = project.command(&["run"]);
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    command.stdout(writer.try_clone().unwrap()).stderr(writer);
    assert_eq!(command.status().unwrap().code(), Some(0));
    assert_eq!(project.record().status.outcome(), Some(Outcome::Passed));
}
