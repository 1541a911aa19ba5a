//! Runs that are cancelled while a guest runs.

use std::io::Write as _;

use pikaci::event::Outcome;
use pikaci::record::RunRecord;
use rustix::process::{Signal, kill_process};

use crate::support::cancelled::{JOBS, assert_cancelled, assert_ended_politely, slow_builds, wait_for_builder};
use crate::support::checking::tree;
use crate::support::processes::Running;
use crate::support::project::{Project, json};

/// Waits until the first job's command runs, with all processes of its guest.
#[track_caller]
fn wait_for_running_job(running: &mut Running, project: &Project) {
    running.prints(project, "a-long", "started");
    for program in ["qemu-system-x86_64", "bwrap", "virtiofsd"] {
        running.process(program);
    }
}

#[test]
fn a_signal_ends_the_run_as_cancelled() {
    let project = Project::with_guests(JOBS);
    for (signal, to_group, code, name) in
        [(Signal::INT, true, 130, "SIGINT"), (Signal::TERM, false, 143, "SIGTERM"), (Signal::HUP, true, 129, "SIGHUP")]
    {
        let mut running = Running::start(&project.command(&["run", "-j1"]));
        wait_for_running_job(&mut running, &project);
        if to_group {
            running.signal_group(signal);
        } else {
            running.signal(signal);
        }
        assert_cancelled(&project, running.ends(name), code, name);
        assert_ended_politely(&project);
    }
}

#[test]
fn ctrl_c_and_a_cancel_from_another_terminal_end_the_run() {
    let project = Project::with_guests(JOBS);
    let (mut running, mut terminal) = Running::start_at_terminal(&project.command(&["run", "-j1"]));
    wait_for_running_job(&mut running, &project);
    terminal.write_all(b"\x03").unwrap();
    assert_cancelled(&project, running.ends("Ctrl-C"), 130, "SIGINT");
    assert_ended_politely(&project);

    project.pikaci(&["cancel"]).exits(4);
    let mut running = Running::start(&project.command(&["run", "-j1"]));
    wait_for_running_job(&mut running, &project);
    let cancel = project.pikaci(&["cancel"]).exits(0);
    let id = project.record().run_id;
    assert_eq!(cancel.stderr, format!("cancelling run {id}\nrun {id} cancelled\n"));
    assert_cancelled(&project, running.ends("pikaci cancel"), 130, "pikaci cancel");
    assert_ended_politely(&project);
    let over = project.pikaci(&["cancel", "latest"]).exits(4).stderr;
    assert!(over.contains(&format!("run {id} has ended already: cancelled")), "{over}");
}

#[test]
fn a_second_signal_kills_the_jobs_at_once() {
    let project = Project::with_guests(JOBS);
    let mut running = Running::start(&project.command(&["run", "-j1"]));
    wait_for_running_job(&mut running, &project);
    // A stopped QEMU reacts to no polite request.
    kill_process(running.process("qemu-system-x86_64"), Signal::STOP).unwrap();
    running.signal(Signal::INT);
    running.says("SIGINT: ending the running jobs");
    running.signal(Signal::INT);
    assert_cancelled(&project, running.ends("second SIGINT"), 130, "SIGINT");
}

#[test]
fn a_build_of_a_killed_run_ends_and_is_recorded_by_the_next_command() {
    let project = Project::with_guests(JOBS);
    let instead = slow_builds(&project);
    let mut running = Running::start(&instead.before(project.command(&["run"])));
    wait_for_builder(&mut running);
    running.signal(Signal::KILL);
    assert_eq!(running.ends("SIGKILL in a build").code, None);
    let record = recovered(&project);
    assert_eq!(record.prepares[0].status.outcome(), Some(Outcome::Errored));
    assert!(record.prepares[0].finished_at.is_some());
}

#[test]
fn a_killed_run_leaves_no_process_and_is_recorded_by_the_next_command() {
    let project = Project::with_guests(JOBS);
    let mut running = Running::start(&project.command(&["run", "-j1"]));
    wait_for_running_job(&mut running, &project);
    running.signal(Signal::KILL);
    assert_eq!(running.ends("SIGKILL").code, None);
    let record = recovered(&project);
    let [long, next] = [0, 1].map(|place| json(&project.state(&record.jobs[place].status_path)));
    let interrupted = "interrupted: pikaci was killed or the machine went down";
    assert_eq!((&long["status"], &long["message"]), (&"errored".into(), &interrupted.into()));
    assert_eq!(
        (&next["status"], &next["message"]),
        (&"cancelled".into(), &"the run was interrupted before it began".into())
    );
    assert!(long["finished_at"].is_string() && next["finished_at"].is_string());
    // The disks had gigabytes.
    let left = tree(&project.state(&record.jobs[0].status_path).with_file_name("attempts/1"));
    assert_eq!(left.into_keys().collect::<Vec<_>>(), ["", "console.log", "guest.log", "host.log"]);
}

/// Runs the next command, asserts that it passes and completes the record of the killed run, and returns that record.
#[track_caller]
fn recovered(project: &Project) -> RunRecord {
    let killed = project.last_run().join("run.json");
    let read = || serde_json::from_value::<RunRecord>(json(&killed)).unwrap();
    let before = read();
    assert_eq!((before.status.outcome(), before.finished_at), (None, None));
    let ran = project.pikaci(&["run", "b-next"]).exits(0);
    let message = format!("run {} was interrupted; its end is now recorded\n", before.run_id);
    assert!(ran.stderr.contains(&message), "{}", ran.stderr);
    let after = read();
    assert_eq!(after.status.outcome(), Some(Outcome::Errored));
    assert!(after.finished_at.is_some());
    assert_eq!(after.message.as_deref(), Some("interrupted: pikaci was killed or the machine went down"));
    assert!(after.jobs.iter().all(|job| job.status.outcome().is_some()), "{:?}", after.jobs);
    after
}
