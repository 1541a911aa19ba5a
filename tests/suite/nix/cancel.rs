//! Runs that are cancelled before a guest starts.

use pikaci::event::Outcome;
use pikaci::failpoint::Point;
use pikaci::id::Digest;
use pikaci::state::{self, FileLock, StateLayout};
use rustix::process::Signal;

use crate::support::cancelled::{JOBS, assert_cancelled, slow_builds, wait_for_builder};
use crate::support::processes::Running;
use crate::support::project::Project;
#[cfg(feature = "failpoints")]
use crate::support::stand_in::StandIns;
use crate::support::tools::inside;

#[test]
fn a_build_is_cancelled_with_its_builder() {
    let project = Project::with_nix(JOBS);
    let instead = slow_builds(&project);
    let mut running = Running::start(&instead.before(project.command(&["run"])));
    wait_for_builder(&mut running);
    running.signal_group(Signal::INT);
    assert_cancelled(&project, running.ends("SIGINT in a build"), 130, "SIGINT");
    assert_eq!(project.record().prepares[0].status.outcome(), Some(Outcome::Cancelled));
}

/// `nohup` and the `&` of a shell leave signals ignored.
#[test]
fn an_ignored_signal_stays_ignored() {
    let project = Project::with_nix(JOBS);
    let _held = hold_runner(&project);
    for (ignored, signals) in [("HUP", &[Signal::HUP][..]), ("HUP INT", &[Signal::HUP, Signal::INT])] {
        let pikaci = project.command(&["run"]);
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", &format!("trap '' {ignored}; exec \"$0\" \"$@\"")]);
        let mut running = Running::start(&inside(shell, &pikaci));
        running.says(": 2 jobs\n");
        for signal in signals {
            running.signal(*signal);
        }
        running.signal(Signal::TERM);
        assert_cancelled(&project, running.ends(ignored), 143, "SIGTERM");
    }
}

#[test]
fn a_run_that_waits_for_the_build_of_another_run_can_be_cancelled() {
    let project = Project::with_nix(JOBS);
    let _held = hold_runner(&project);
    let mut running = Running::start(&project.command(&["run"]));
    running.says(": 2 jobs\n");
    running.signal(Signal::INT);
    assert_cancelled(&project, running.ends("SIGINT while waiting"), 130, "SIGINT");
}

/// Starts a run without a runner, and waits until its last job has ended but the run hasn't.
#[cfg(feature = "failpoints")]
fn about_to_end(project: &Project) -> (Running, StandIns) {
    let nix = StandIns::new().script("nix", crate::support::stand_in::FAILING_NIX);
    let mut command = nix.before(project.command(&["run"]));
    command.env("FAILPOINTS", "engine.ended=sleep(3000)");
    let mut running = Running::start(&command);
    running.says("b-next: skipped");
    (running, nix)
}

#[cfg(feature = "failpoints")]
#[test]
fn a_signal_after_the_last_job_changes_nothing() {
    let project = Project::with_nix(JOBS);
    let (running, _nix) = about_to_end(&project);
    running.signal(Signal::INT);
    running.ends("late SIGINT").exits(101);
    let record = project.record();
    assert_eq!((record.status.outcome(), record.message, record.cancelled_by), (Some(Outcome::Errored), None, None));
}

#[cfg(feature = "failpoints")]
#[test]
fn an_end_that_cannot_be_recorded_is_reported_with_the_summary() {
    let project = Project::with_nix(JOBS);
    let (running, _nix) = about_to_end(&project);
    let events = project.last_run().join("events.jsonl");
    std::fs::rename(&events, project.path("events")).unwrap();
    std::fs::create_dir(&events).unwrap();
    let ran = running.ends("lost events").exits(101);
    assert!(ran.stdout.contains("this nix builds nothing") && ran.stdout.contains(" 2 skipped"), "{}", ran.stdout);
    let lost = "error: the end of the run isn't recorded: recording the run failed: appending to ";
    assert!(ran.stderr.contains(lost) && ran.stderr.contains("\nhint: check that "), "{}", ran.stderr);
}

/// Makes every run wait for the build of the project's only runner by another run.
#[track_caller]
fn hold_runner(project: &Project) -> FileLock {
    let plan = project.pikaci(&["plan", "--format", "json"]).exits(0);
    let plan: serde_json::Value = serde_json::from_str(&plan.stdout).unwrap();
    let digest = plan["nodes"][0]["prepare"]["flake_digest"].as_str().expect("the first node is a Prepare node");
    let digest = Digest::try_from(digest.to_owned()).unwrap();
    state::open(&project.state("")).unwrap();
    let lock = StateLayout::new(project.state("")).flake_lock(&digest);
    FileLock::exclusive(Point::FlakeLock, &lock).unwrap()
}
