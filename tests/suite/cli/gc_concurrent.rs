//! `pikaci gc` at the same time as runs that start or write.

use std::fs;
use std::time::{Duration, Instant};

use pikaci::id::Digest;
use pikaci::state;
use pikaci::state::gc::{GcLock, RunClaim};

use crate::support::processes::Running;
use crate::support::project::Project;

const JOB_FILE: &str = r#"{ jobs.one.command = "true"; }"#;

/// A command opens the state folder while other commands create it and collect garbage.
#[cfg(feature = "failpoints")]
#[test]
fn gc_keeps_files_that_another_process_is_writing() {
    let project = Project::new(r#"{ guests.default.base = "none"; jobs.a = { command = "true"; network = true; }; }"#);
    let mut slow = project.command(&["run"]);
    slow.env("FAILPOINTS", "state.version.synced=sleep(4000)");
    let slow = Running::start(&slow);
    let temporary = || {
        let entries = fs::read_dir(project.state("")).into_iter().flatten().map(|entry| entry.unwrap().file_name());
        entries.filter(|name| name.to_string_lossy().starts_with(".tmp-")).collect::<Vec<_>>()
    };
    let began = Instant::now();
    while !project.state("CACHEDIR.TAG").exists() || temporary().is_empty() {
        assert!(
            began.elapsed() < crate::support::processes::START,
            "pikaci doesn't reach the failpoint of the version"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    project.pikaci(&["run"]).exits(0);
    project.pikaci(&["gc"]).exits(0);
    slow.ends("a run that makes the state folder").exits(0);
    assert!(temporary().is_empty());
}

/// A run without a plan may still need every file that it has listed.
#[test]
fn gc_keeps_files_that_a_starting_run_may_need() {
    let project = Project::new(JOB_FILE);
    let state = state::open(&project.state("")).unwrap();
    let snapshot = state.snapshot(&Digest::of(b""));
    fs::create_dir_all(&snapshot).unwrap();
    let claim = RunClaim::take(&state).unwrap();
    let gc = Running::start(&project.command(&["gc"]));
    std::thread::sleep(Duration::from_millis(700));
    assert!(snapshot.exists());
    drop(claim);
    let done = gc.ends("gc after a claim").exits(0);
    assert!(!snapshot.exists() && done.stdout.starts_with("removed 1 snapshot: "), "{}", done.stdout);
}

#[test]
fn a_run_does_not_wait_for_a_gc_but_another_gc_does() {
    let project = Project::new(JOB_FILE);
    let state = state::open(&project.state("")).unwrap();
    let lock = GcLock::try_take(&state).unwrap().unwrap();
    let began = Instant::now();
    drop(RunClaim::take(&state).unwrap());
    assert!(began.elapsed() < Duration::from_secs(1) && GcLock::try_take(&state).unwrap().is_none());
    let mut gc = Running::start(&project.command(&["gc"]));
    gc.says("waiting for another pikaci gc\n");
    drop(lock);
    assert_eq!(gc.ends("the second gc").exits(0).stdout, "nothing to remove\n");
}
