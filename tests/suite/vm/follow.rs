//! A terminal with live lines, and commands that read the run at the same time.

use std::io::Write as _;
use std::process::Stdio;

use serde_json::Value;

use crate::support::following::{Following, on_terminal, wait};
use crate::support::project::Project;

/// The job runs in a real virtual machine until Ctrl-C on a real terminal.
#[test]
fn other_commands_report_the_same_as_the_live_lines() {
    let project = Project::with_guests(
        r#"{
          jobs.quick = { command = "echo quick"; artifacts = [ "*.nix" ]; };
          jobs.slow = { command = "printf 'one\\377\\n'; sleep 600"; needs = [ "quick" ]; };
        }"#,
    );
    let mut terminal = Following::start(on_terminal(&project, "run").stdin(Stdio::piped()));

    wait(|| project.runs().last().filter(|id| project.state(&format!("runs/{id}/run.json")).exists()).cloned())
        .expect("the run begins");
    let mut following = Following::start(&mut project.command(&["logs", "--follow", "--job=slow"]));
    following.shows(b"one\xff\n");
    assert_eq!(project.pikaci(&["logs", "--job=quick"]).exits(0).stdout, "quick\n");
    assert!(project.pikaci(&["artifacts"]).exits(0).stdout.ends_with(" B  pikaci.nix\n"));
    assert!(project.pikaci(&["logs", "--job=quick", "--kind=host"]).exits(0).stdout.contains("qemu-system"));
    assert!(project.pikaci(&["list"]).exits(0).stdout.contains("1 passed, 1 running\n"));
    let status: Value = serde_json::from_str(&project.pikaci(&["status", "--format=json"]).stdout).unwrap();
    assert_eq!((&status["jobs"][1]["status"], &status["jobs"][1]["phase"]), (&"running".into(), &"job".into()));
    terminal.until(|output| {
        let screen = String::from_utf8_lossy(output);
        screen.split('\r').any(|line| line.contains(" slow ") && line.contains("s  running its command "))
    });

    terminal.child.stdin.take().unwrap().write_all(b"\x03").unwrap();
    assert_eq!(following.ends().0.code(), Some(0));
    let (status, screen) = terminal.ends();
    let screen = String::from_utf8(screen).unwrap();
    assert_eq!(status.code(), Some(130), "{screen}");
    let id = project.runs().pop().unwrap();
    for expected in
        ["quick: \u{1b}[32mpassed\u{1b}[0m in ", "\u{1b}[33mcancelled\u{1b}[0m  slow", "(cancelled by SIGINT)"]
    {
        assert!(screen.contains(expected), "{screen}");
    }
    assert!(screen.lines().any(|line| line.starts_with(&format!("run {id} "))), "{screen}");
    assert!(project.pikaci(&["list"]).exits(0).stdout.contains("1 passed, 1 cancelled\n"));
}
