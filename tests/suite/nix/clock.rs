//! A clock that jumps while jobs run.

use std::fs;

use jiff::Timestamp;
use serde_json::Value;

use crate::support::project::{Project, ran};
use crate::support::tools::{inside, tool_command};

/// The jobs run one after the other; at `b` the clock is two hours earlier, at `c` a day later.
#[test]
fn the_clock_may_jump_while_jobs_run() {
    let folder = tempfile::tempdir().unwrap();
    let clock = folder.path().join("clock");
    let set = |offset: &str| format!("echo {offset} >{}", clock.display());
    let project = Project::with_nix(&format!(
        r#"{{
          guests.here.base = "none";
          defaults = {{ guest = "here"; network = true; timeout = 60; }};
          jobs.a.command = "{}";
          jobs.b.command = "{}";
          jobs.c.command = "sleep 0.3";
        }}"#,
        set("-7200"),
        set("+86400"),
    ));
    let run = || {
        fs::write(&clock, "+0\n").unwrap();
        let pikaci = project.command(&["run", "--jobs=1"]);
        let mut faketime = tool_command("faketime");
        // faketime sets FAKETIME, which would override the file.
        faketime.args(["-m", "--exclude-monotonic", "-f", "+0", "env", "--unset=FAKETIME"]);
        let mut faketime = inside(faketime, &pikaci);
        faketime.env("FAKETIME_TIMESTAMP_FILE", &clock).env("FAKETIME_NO_CACHE", "1");
        (ran(&mut faketime).exits(0).stderr, project.runs().pop().unwrap())
    };
    let ((report, first), (_, second)) = (run(), run());
    // A duration that would be negative is zero, and no timeout ends a job.
    assert!(report.contains("\na: passed in 0.0s\n") && report.contains("\nb: passed in 26h00m\n"), "{report}");
    assert!(first < second);
    let events = fs::read_to_string(project.state("runs").join(&second).join("events.jsonl")).unwrap();
    let times: Vec<Timestamp> = events.lines().map(at).collect();
    assert!(!times.is_sorted() && times[times.len() - 1].duration_since(times[0]).as_hours() >= 23, "{events}");
    let listed = project.pikaci(&["list"]).exits(0).stdout;
    let lines: Vec<&str> = listed.lines().skip(1).collect();
    assert!(lines[0].starts_with(&format!("{second}  passed")) && lines[1].starts_with(&first), "{listed}");
    assert_eq!(["a", "b", "c"].map(|job| project.job(job).status.word()), ["passed"; 3]);
    project.pikaci(&["gc", "--keep-runs=1"]).exits(0);
    assert_eq!(project.runs(), [second]);
}

/// Returns the time of an event.
fn at(line: &str) -> Timestamp {
    serde_json::from_str::<Value>(line).unwrap()["at"].as_str().unwrap().parse().unwrap()
}
