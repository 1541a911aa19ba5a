//! Readers of events that close or wait: the run continues.

use std::fs::{self, File};
use std::io::{BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::project::{Project, json};
use crate::support::replay::assert_folded;
use crate::support::stand_in::{FAILING_NIX, StandIns};

/// Starts a command whose standard output is read while it runs.
fn start(command: &mut Command) -> (Child, BufReader<ChildStdout>) {
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    (child, stdout)
}

/// Creates a project whose guests can't be built, so that runs are short, and whose first event is larger than a pipe.
fn large() -> (Project, StandIns) {
    let description = "x".repeat(1000);
    let job = |number: i32| format!("jobs.j{number} = {{ command = \"true\"; description = \"{description}\"; }};");
    let jobs: Vec<String> = (0..200).map(job).collect();
    (Project::with_nix(&format!("{{ {} }}", jobs.join("\n"))), StandIns::new().script("nix", FAILING_NIX))
}

fn assert_ended(project: &Project) {
    let id = project.runs().pop().unwrap();
    assert_folded(project, &id, "nobody reads");
}

#[test]
fn a_closed_reader_does_not_end_the_run() {
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

/// A reader that doesn't read delays only the output.
#[test]
fn a_slow_reader_does_not_delay_the_run() {
    let (project, nix) = large();
    let mut command = nix.before(project.command(&["run", "--format=json"]));
    let (mut child, mut stdout) = start(command.stderr(Stdio::null()));
    let run = || Some(project.runs().pop()?).map(|id| project.state(&format!("runs/{id}")));
    let ended = |run: PathBuf| json_if_there(&run.join("run.json")).is_some_and(|run| run["status"] == "errored");
    while !run().is_some_and(ended) {
        assert_eq!(child.try_wait().unwrap(), None, "pikaci ended before its output was read");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let mut read = String::new();
    stdout.read_to_string(&mut read).unwrap();
    assert_eq!(read, fs::read_to_string(run().unwrap().join("events.jsonl")).unwrap());
    assert_eq!(child.wait().unwrap().code(), Some(101));
    // A reader that never reads doesn't keep alive a pikaci that was cancelled twice.
    let (mut child, stdout) = start(&mut command);
    while project.runs().len() < 2 || !run().is_some_and(ended) {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let status = loop {
        // Two signals at the same time count as one.
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
