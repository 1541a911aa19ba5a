//! Runs and files with times in the future, which remain after a clock was set back.

use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use crate::support::project::Project;
use crate::support::records::Run;

/// Id of a run that started while the clock was wrong.
const FUTURE: &str = "20990101-000000000-0000";

#[test]
fn a_later_run_is_newer_than_a_run_of_the_future() {
    let project = Project::new("{ guests.default.base = \"none\"; jobs.a.command = \"true\"; }");
    pikaci::state::open(&project.state("")).unwrap();
    Run::passed(&project, FUTURE);
    let run = || {
        project.pikaci(&["run"]).exits(0);
        project.runs().pop().unwrap()
    };
    let (first, second) = (run(), run());
    assert!(first.starts_with("20990101-000000001-") && second.starts_with("20990101-000000002-"), "{first} {second}");
    let latest = project.pikaci(&["status"]).exits(0).stdout;
    assert!(latest.starts_with(&format!("run      {second} passed")), "{latest}");
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
fn a_file_with_a_future_time_is_copied_again_after_a_change() {
    let project = Project::new("{ guests.default.base = \"none\"; jobs.a.command = \"true\"; }").file("file", "one\n");
    let future = SystemTime::now() + Duration::from_secs(1_000_000_000);
    let copied = |text: &str| {
        fs::write(project.path("file"), text).unwrap();
        File::options().write(true).open(project.path("file")).unwrap().set_modified(future).unwrap();
        project.pikaci(&["run"]).exits(0);
        fs::read_to_string(project.state(&project.record().source.snapshot_dir).join("file")).unwrap()
    };
    // Each text has the same length and the same modification time.
    for text in ["one\n", "two\n", "one\n"] {
        assert_eq!(copied(text), text);
    }
}
