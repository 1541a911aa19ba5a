//! Killed runs in a state folder that is read-only, or damaged by a power loss.

use std::fs;

use pikaci::event::Outcome;
use pikaci::id::JobId;
use serde_json::Value;

use crate::support::interrupted::{files, killed};
use crate::support::project::{Project, Ran, ran};
use crate::support::tools::tool_command;

/// Runs pikaci on a read-only file system.
fn run_read_only(project: &Project, args: &[&str]) -> Ran {
    let pikaci = project.command(args);
    let mut bwrap = tool_command("bwrap");
    bwrap.args(["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--chdir"]).arg(project.path("."));
    ran(bwrap.arg(pikaci.get_program()).args(pikaci.get_args()))
}

/// Returns the printed JSON of the run, without the time at which its death was detected.
#[track_caller]
fn shown(ran: Ran) -> Value {
    let mut status: Value = serde_json::from_str(&ran.exits(0).stdout).unwrap();
    status["run"]["finished_at"].take();
    for job in status["jobs"].as_array_mut().unwrap() {
        if job["status"] != "passed" {
            assert!(job["finished_at"].take().is_string());
        }
    }
    status
}

#[test]
fn a_killed_run_is_shown_as_it_will_be_recorded() {
    let (project, _) = killed();
    let before = files(&project);
    let status = ["status", "2", "--format=json"];
    let at_first = shown(run_read_only(&project, &status));
    let listed = run_read_only(&project, &["list"]).exits(0);
    assert_eq!((listed.stderr.as_str(), files(&project)), ("", before));
    let recorded = project.pikaci(&status);
    assert_eq!(recorded.stderr, "run 2 was interrupted; its end is now recorded\n");
    assert_eq!(at_first, shown(recorded));
    assert!(listed.stdout.contains("errored") && listed.stdout.contains("1 passed, 1 errored, 1 cancelled\n"));
    assert_eq!(at_first["run"]["message"], "interrupted: pikaci was killed or the machine went down");
    assert_eq!(at_first["jobs"][1]["message"], at_first["run"]["message"]);
    assert_eq!(at_first["jobs"][2]["message"], "the run was interrupted before it began");
}

#[test]
fn records_torn_by_a_power_loss_are_computed_again() {
    let (project, run) = killed();
    fs::write(run.layout().record(), "").unwrap();
    fs::write(run.layout().job(&JobId::new("a")).status(), "{\"id\":").unwrap();
    fs::remove_dir_all(run.layout().job(&JobId::new("b")).root()).unwrap();
    let listed = run_read_only(&project, &["list"]).exits(0);
    assert!(listed.stdout.contains("errored") && listed.stdout.contains("1 passed, 1 errored, 1 cancelled\n"));
    assert_eq!(project.pikaci(&["list"]).exits(0).stderr, "run 2 was interrupted; its end is now recorded\n");
    assert_eq!(project.record().status.outcome(), Some(Outcome::Errored));
    assert_eq!(["a", "b", "c"].map(|job| project.job(job).status.word()), ["passed", "errored", "cancelled"]);
    assert!(!run.layout().lock().exists());
}
