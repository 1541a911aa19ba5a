//! A clock that is set back or forth while jobs run, or was set back, so that there are runs, and files, of the future.

use std::fs::{self, File};
use std::process::Command;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use serde_json::Value;

use crate::project::{Project, ran};
use crate::records::Run;
use crate::stand_in::{FAILING_NIX, StandIns};

/// A run of a time when the clock was wrong.
const FUTURE: &str = "20990101-000000000-0000";

/// The jobs are run one after the other; `b` finds the clock two hours earlier, `c` a day later.
#[test]
fn it_may_jump_while_jobs_run() {
    let folder = tempfile::tempdir().unwrap();
    let clock = folder.path().join("clock");
    let set = |offset: &str| format!("echo {offset} >{}", clock.display());
    let project = Project::new(&format!(
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
        let mut faketime = Command::new("faketime");
        // It sets FAKETIME, which would go before the file.
        faketime.args(["-m", "--exclude-monotonic", "-f", "+0", "env", "--unset=FAKETIME"]);
        faketime.arg(pikaci.get_program()).args(pikaci.get_args());
        faketime.current_dir(project.path("."));
        faketime.envs(pikaci.get_envs().filter_map(|(name, value)| Some((name, value?))));
        faketime.env("FAKETIME_TIMESTAMP_FILE", &clock).env("FAKETIME_NO_CACHE", "1");
        (ran(&mut faketime).exits(0).stderr, project.runs().pop().unwrap())
    };
    let ((said, first), (_, second)) = (run(), run());
    // What ended before it began took no time; nobody's time was up.
    assert!(said.contains("\na: passed in 0.0s\n") && said.contains("\nb: passed in 26h00m\n"), "{said}");
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

/// Returns when an event happened.
fn at(line: &str) -> Timestamp {
    serde_json::from_str::<Value>(line).unwrap()["at"].as_str().unwrap().parse().unwrap()
}

#[test]
fn what_began_later_is_newer_all_the_same() {
    let project = Project::new("{ jobs.a.command = \"true\"; }");
    let nix = StandIns::new().script("nix", FAILING_NIX);
    pikaci::state::open(&project.state("")).unwrap();
    Run::passed(&project, FUTURE);
    let run = || {
        ran(&mut nix.before(project.command(&["run"]))).exits(101);
        project.runs().pop().unwrap()
    };
    let (first, second) = (run(), run());
    assert!(first.starts_with("20990101-000000001-") && second.starts_with("20990101-000000002-"), "{first} {second}");
    let latest = project.pikaci(&["status"]).exits(0).stdout;
    assert!(latest.starts_with(&format!("run      {second} errored")), "{latest}");
    let listed = project.pikaci(&["list"]).exits(0).stdout;
    let ids: Vec<&str> = listed.lines().skip(1).filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(ids, [second.as_str(), first.as_str(), FUTURE]);
    let created = project.record().created_at;
    assert!(
        created.as_millisecond().abs_diff(jiff::Timestamp::now().as_millisecond()) < 3_600_000,
        "the record is true"
    );
    project.pikaci(&["gc", "--keep-runs=1"]).exits(0);
    assert_eq!(project.runs(), [second]);
}

#[test]
fn a_file_of_the_future_is_copied_again_when_it_changes() {
    let project = Project::new("{ jobs.a.command = \"true\"; }").file("file", "one\n");
    let nix = StandIns::new().script("nix", FAILING_NIX);
    let future = SystemTime::now() + Duration::from_secs(1_000_000_000);
    let copied = |text: &str| {
        fs::write(project.path("file"), text).unwrap();
        File::options().write(true).open(project.path("file")).unwrap().set_modified(future).unwrap();
        ran(&mut nix.before(project.command(&["run"]))).exits(101);
        fs::read_to_string(project.state(&project.record().info.snapshot_dir).join("file")).unwrap()
    };
    // As long as the other, and of the same time.
    for text in ["one\n", "two\n", "one\n"] {
        assert_eq!(copied(text), text);
    }
}
