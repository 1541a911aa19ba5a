//! Records and output of a run, compared with its events.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

use pikaci::engine;
use pikaci::id::RunId;
use pikaci::record::History;
use pikaci::state::{RunStore, StateLayout};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::formats::assert_formats;
use crate::support::project::Project;
use crate::support::replay::{assert_folded, replayed};
use crate::support::tools::with_default_signals;

/// Starts a command whose standard output is read while it runs.
fn start(command: &mut Command) -> (Child, BufReader<ChildStdout>) {
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    (child, stdout)
}

/// A run in a real virtual machine, read while it runs and ended by Ctrl-C.
#[test]
fn the_records_of_a_run_follow_from_its_events() {
    let project = Project::with_guests(
        r#"{
          jobs.slow = { description = "Läuft 日本"; command = "echo begun; sleep 600"; };
          jobs.after = { command = "true"; needs = [ "slow" ]; };
        }"#,
    );
    let stderr = tempfile::NamedTempFile::new().unwrap();
    let mut command = with_default_signals(&project.command(&["run", "--format=json"]));
    let (mut child, mut stdout) = start(command.stderr(stderr.reopen().unwrap()));
    let mut lines = String::new();
    while !lines.contains(r#""event":"job_phase","job":"slow","phase":"job""#) {
        assert_ne!(stdout.read_line(&mut lines).unwrap(), 0, "pikaci ended after {lines}");
    }
    let id = project.runs().pop().unwrap();
    let log = project.state(&format!("runs/{id}/events.jsonl"));
    assert_eq!(fs::read_to_string(&log).unwrap(), lines, "the events are printed while the run is running");
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    stdout.read_to_string(&mut lines).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(fs::read_to_string(&log).unwrap(), lines, "the printed events are the recorded ones");
    let progress = fs::read_to_string(stderr.path()).unwrap();
    assert!(progress.contains("slow: started\n") && progress.contains("SIGINT: ending"), "{progress}");
    assert!(!progress.contains("\nrun ") && !progress.contains('{'), "{progress}");

    assert_folded(&project, &id, "the run");
    let (history, _) = replayed(&project.path(".pikaci"), &id);
    let statuses: Vec<PathBuf> = history.run.jobs.iter().map(|job| project.state(&job.status_path)).collect();
    assert_formats(&project.last_run(), &statuses);
    assert_shown(&project, &history);
    assert_recovered_after_cuts(&project, &id);
}

/// Asserts that the commands print the records as JSON.
#[track_caller]
fn assert_shown(project: &Project, history: &History) {
    let shown = |args: &[&str]| serde_json::from_str::<Value>(&project.pikaci(args).exits(0).stdout).unwrap();
    let run = serde_json::to_value(&history.run).unwrap();
    let status = shown(&["status", "--format=json"]);
    assert_eq!((&status["run"], &status["jobs"]), (&run, &serde_json::to_value(&history.jobs).unwrap()));
    assert_eq!(shown(&["list", "--format=json"])["runs"], Value::Array(vec![run]));
}

/// Cuts the events of a run as a killed process leaves them, with the records of that moment or older ones. Asserts
/// that the next command leaves records that follow from the events.
#[track_caller]
fn assert_recovered_after_cuts(project: &Project, id: &str) {
    let state = StateLayout::new(project.path(".pikaci"));
    let layout = state.run(&RunId::new(id));
    let log = fs::read(layout.events()).unwrap();
    let (history, _) = replayed(&project.path(".pikaci"), id);
    let statuses: Vec<PathBuf> = history.run.jobs.iter().map(|job| project.state(&job.status_path)).collect();
    let ends: Vec<usize> = (0..log.len()).filter(|at| log[*at] == b'\n').collect();
    let inside = |end: &usize| [end - 1, *end, end + 1, end + 40];
    let cuts = ends.iter().flat_map(inside).filter(|cut| *cut < log.len() && *cut >= ends[0]);
    // The last event is never cut, since a finished run isn't read again.
    for cut in cuts.filter(|cut| *cut < ends[ends.len() - 1]) {
        fs::write(layout.events(), &log[..cut]).unwrap();
        let (so_far, files) = replayed(&project.path(".pikaci"), id);
        assert!(so_far.run.status.outcome().is_none(), "cut at {cut}");
        fs::write(layout.record(), &files[0]).unwrap();
        for ((path, job), file) in statuses.iter().zip(&so_far.jobs).zip(&files[1..]) {
            // The record of a job exists from its start.
            if job.attempt > 0 || job.status.outcome().is_some() {
                fs::write(path, file).unwrap();
            } else if path.exists() {
                fs::remove_file(path).unwrap();
            }
        }
        File::create(layout.lock()).unwrap();
        assert_eq!(
            engine::recover_interrupted(&RunStore::new(state.clone())).unwrap(),
            [RunId::new(id)],
            "cut at {cut}"
        );
        assert_folded(project, id, &format!("cut at {cut}"));
        assert!(fs::read(layout.events()).unwrap().starts_with(&log[..cut]), "cut at {cut}: no event is lost");
    }
}
