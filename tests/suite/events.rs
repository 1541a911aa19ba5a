//! What is recorded and printed of a run is what its events say.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use pikaci::engine;
use pikaci::id::RunId;
use pikaci::record::History;
use pikaci::state::StateLayout;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::formats::assert_formats;
use crate::project::{Project, json};
use crate::stand_in::{FAILING_NIX, StandIns};

/// Returns the records that the events of a run give: run.json, and each status.json.
fn replayed(state: &Path, id: &str) -> (History, Vec<String>) {
    let history = engine::replay(&StateLayout::new(state.to_owned()), &RunId::new(id)).unwrap();
    let pretty = |text: serde_json::Result<String>| text.unwrap() + "\n";
    let jobs = history.jobs.iter().map(|job| pretty(serde_json::to_string_pretty(job)));
    let files = std::iter::once(pretty(serde_json::to_string_pretty(&history.run))).chain(jobs).collect();
    (history, files)
}

/// Asserts that the records of a run that has ended are those that its events give, to the byte.
#[track_caller]
pub fn assert_folded(project: &Project, id: &str, what: &str) {
    assert_folded_in(&project.path(".pikaci"), id, what);
}

/// As [`assert_folded`], in another state folder.
#[track_caller]
pub fn assert_folded_in(state: &Path, id: &str, what: &str) {
    let (history, expected) = replayed(state, id);
    assert!(history.run.status.outcome().is_some(), "{what}");
    let statuses = history.run.jobs.iter().map(|job| state.join(&job.status_path));
    let files = std::iter::once(state.join("runs").join(id).join("run.json")).chain(statuses);
    for (path, expected) in files.zip(expected) {
        let found = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{what}: {}: {error}", path.display()));
        assert_eq!(found, expected, "{what}: {}", path.display());
    }
}

/// Starts a command whose standard output is read while it runs.
fn start(command: &mut Command) -> (Child, BufReader<ChildStdout>) {
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    (child, stdout)
}

/// A run in a real virtual machine, read while it runs and ended by Ctrl-C.
#[test]
fn a_run_is_what_its_events_say() {
    let project = Project::new(
        r#"{
          jobs.slow = { description = "Läuft 日本"; command = "echo begun; sleep 600"; };
          jobs.after = { command = "true"; needs = [ "slow" ]; };
        }"#,
    );
    let stderr = tempfile::NamedTempFile::new().unwrap();
    let mut command = project.command(&["run", "--format=json"]);
    let (mut child, mut stdout) = start(command.stderr(stderr.reopen().unwrap()));
    let mut seen = String::new();
    while !seen.contains(r#""event":"job_phase","job":"slow","phase":"job""#) {
        assert_ne!(stdout.read_line(&mut seen).unwrap(), 0, "it ended after {seen}");
    }
    let id = project.runs().pop().unwrap();
    let log = project.state(&format!("runs/{id}/events.jsonl"));
    assert_eq!(fs::read_to_string(&log).unwrap(), seen, "what is read while it runs");
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    stdout.read_to_string(&mut seen).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(fs::read_to_string(&log).unwrap(), seen, "what was read");
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

/// Asserts that programs are shown the records.
#[track_caller]
fn assert_shown(project: &Project, history: &History) {
    let shown = |args: &[&str]| serde_json::from_str::<Value>(&project.pikaci(args).exits(0).stdout).unwrap();
    let run = serde_json::to_value(&history.run).unwrap();
    let status = shown(&["status", "--format=json"]);
    assert_eq!((&status["run"], &status["jobs"]), (&run, &serde_json::to_value(&history.jobs).unwrap()));
    assert_eq!(shown(&["list", "--format=json"])["runs"], Value::Array(vec![run]));
}

/// Cuts the events of a run off as a killed process leaves them, with the records of that moment or older ones, and
/// asserts that the next look leaves records that are folded from events again.
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
    // Without the last event, since a run that has ended isn't looked at.
    for cut in cuts.filter(|cut| *cut < ends[ends.len() - 1]) {
        fs::write(layout.events(), &log[..cut]).unwrap();
        let (so_far, files) = replayed(&project.path(".pikaci"), id);
        assert!(so_far.run.status.outcome().is_none(), "cut at {cut}");
        fs::write(layout.record(), &files[0]).unwrap();
        for ((path, job), file) in statuses.iter().zip(&so_far.jobs).zip(&files[1..]) {
            // It is made when the job begins.
            if job.attempt > 0 || job.status.outcome().is_some() {
                fs::write(path, file).unwrap();
            } else if path.exists() {
                fs::remove_file(path).unwrap();
            }
        }
        File::create(layout.lock()).unwrap();
        assert_eq!(engine::recover_interrupted(&state).unwrap(), [RunId::new(id)], "cut at {cut}");
        assert_folded(project, id, &format!("cut at {cut}"));
        assert!(fs::read(layout.events()).unwrap().starts_with(&log[..cut]), "cut at {cut}: no event is lost");
    }
}

/// A project of which no guest can be built, so that runs are short, and with a first event that no pipe holds.
fn large() -> (Project, StandIns) {
    let description = "x".repeat(1000);
    let job = |number: i32| format!("jobs.j{number} = {{ command = \"true\"; description = \"{description}\"; }};");
    let jobs: Vec<String> = (0..200).map(job).collect();
    (Project::new(&format!("{{ {} }}", jobs.join("\n"))), StandIns::new().script("nix", FAILING_NIX))
}

fn assert_ended(project: &Project) {
    let id = project.runs().pop().unwrap();
    assert_folded(project, &id, "nobody reads");
}

#[test]
fn a_reader_that_goes_away_ends_no_run() {
    let (project, nix) = large();
    let mut command = nix.before(project.command(&["run", "--format=json"]));
    let (mut child, mut stdout) = start(command.stderr(Stdio::null()));
    stdout.read_exact(&mut [0; 10]).unwrap();
    drop(stdout);
    assert_eq!(child.wait().unwrap().code(), Some(101));
    assert_ended(&project);
    let output = command.stdout(File::options().write(true).open("/dev/full").unwrap()).stderr(Stdio::piped());
    let output = output.output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(101), "{stderr}");
    assert!(stderr.contains("\nerror: writing to standard output: No space left on device"), "{stderr}");
    assert_ended(&project);
}

/// Who doesn't read holds up what is printed, and nothing else.
#[test]
fn a_reader_that_waits_holds_up_no_run() {
    let (project, nix) = large();
    let mut command = nix.before(project.command(&["run", "--format=json"]));
    let (mut child, mut stdout) = start(command.stderr(Stdio::null()));
    let run = || Some(project.runs().pop()?).map(|id| project.state(&format!("runs/{id}")));
    let ended = |run: PathBuf| json_if_there(&run.join("run.json")).is_some_and(|run| run["status"] == "errored");
    while !run().is_some_and(ended) {
        assert_eq!(child.try_wait().unwrap(), None, "it ended with nothing read");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let mut read = String::new();
    stdout.read_to_string(&mut read).unwrap();
    assert_eq!(read, fs::read_to_string(run().unwrap().join("events.jsonl")).unwrap());
    assert_eq!(child.wait().unwrap().code(), Some(101));
    // One that never reads doesn't keep it when it is asked twice to end.
    let (mut child, stdout) = start(&mut command);
    while project.runs().len() < 2 || !run().is_some_and(ended) {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let status = loop {
        // Two that come at once are one.
        kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(50));
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
    };
    assert_eq!(status.code(), Some(101));
    drop(stdout);
}

fn json_if_there(path: &Path) -> Option<Value> {
    path.exists().then(|| json(path))
}

#[test]
fn nothing_to_do_is_no_event() {
    let none = Project::new("{ }").pikaci(&["run", "--format=json"]).exits(0);
    assert_eq!((none.stdout.as_str(), none.stderr.as_str()), ("", "nothing to do: pikaci.nix has no jobs\n"));
}
