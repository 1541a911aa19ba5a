//! Records of killed runs that a later version of pikaci wrote.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use pikaci::event::Outcome;
use pikaci::failpoint::Point;
use pikaci::state::{append_line, write_json};

use crate::support::interrupted::{files, killed};
use crate::support::project::{Project, json};

/// Asserts that every command reports a run of a later version, and that no file of the run changes.
#[track_caller]
fn assert_left_alone(project: &Project, error: &str) {
    let before = files(project);
    let listed = project.pikaci(&["list"]).exits(0);
    assert_eq!(listed.stderr, "");
    let line = listed.stdout.lines().nth(1).unwrap();
    assert!(line.starts_with("2    broken") && line.ends_with(error), "{}", listed.stdout);
    for args in [["status", "2"], ["logs", "2"], ["artifacts", "2"]] {
        let ran = project.pikaci(&args).exits(1);
        assert!(ran.stderr.contains(error) && ran.stderr.ends_with("\nhint: pikaci list\n"), "{}", ran.stderr);
    }
    let latest = project.pikaci(&["status"]).exits(0);
    assert!(latest.stdout.starts_with("run      1 passed") && latest.stderr.contains(error), "{}", latest.stderr);
    let gone = project.pikaci(&["gc", "--keep-runs=0"]).exits(0);
    assert!(gone.stderr.contains("run 2") || gone.stdout.contains("run 2"), "{gone:?}");
    let still = |files: &BTreeMap<PathBuf, Vec<u8>>| {
        let of_run = files.iter().filter(|(path, _)| path.starts_with(project.state("runs/2")));
        of_run.map(|(path, content)| (path.clone(), content.clone())).collect::<Vec<_>>()
    };
    assert_eq!(still(&files(project)), still(&before));
}

#[test]
fn a_run_of_a_later_version_is_left_unchanged() {
    let (project, run) = killed();
    let mut record = json(&run.layout().record());
    record["schema_version"] = 2.into();
    record["cause"] = "something new".into();
    write_json(Point::RunRecord, &run.layout().record(), &record).unwrap();
    assert_left_alone(&project, "run.json has version 2, and this pikaci supports version 1");

    let (project, run) = killed();
    let events = fs::read_to_string(run.layout().events()).unwrap();
    fs::write(run.layout().events(), events.replacen(r#""schema_version":1"#, r#""schema_version":2"#, 1)).unwrap();
    let path = run.layout().events();
    let error = format!("replaying {}: it has version 2, and this pikaci supports version 1", path.display());
    assert_left_alone(&project, &error);
}

#[test]
fn events_of_a_later_version_are_kept() {
    let (project, run) = killed();
    let added = r#"{"at":"2026-11-22T10:15:05Z","event":"job_teleported","job":"b","to":[1,2]}"#;
    append_line(&run.layout().events(), added).unwrap();
    assert_eq!(project.pikaci(&["list"]).exits(0).stderr, "run 2 was interrupted; its end is now recorded\n");
    assert!(fs::read_to_string(run.layout().events()).unwrap().contains(&format!("\n{added}\n")));
    assert_eq!(project.record().status.outcome(), Some(Outcome::Errored));
    assert_eq!(["a", "b", "c"].map(|job| project.job(job).status.word()), ["passed", "errored", "cancelled"]);
}
