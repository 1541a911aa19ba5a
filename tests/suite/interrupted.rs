//! Runs whose process is gone, where their end can't be recorded: nothing can be written, or a later pikaci wrote them.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use pikaci::failpoint::Point;
use pikaci::id::JobId;
use pikaci::record::Outcome;
use pikaci::state::{self, append_line, write_json};
use serde_json::Value;

use crate::project::{Project, Ran, json, ran};
use crate::records::Run;

/// A killed run of a job that passed, one that ran, and one that waited.
fn killed() -> (Project, Run) {
    let project = Project::new("{ jobs.a.command = \"true\"; }");
    state::open(&project.state("")).unwrap();
    Run::passed(&project, "1");
    let mut run = Run::begin(&project, "2", &["a", "b", "c"]);
    run.start("a");
    run.finish("a", Outcome::Passed, None);
    run.start("b");
    run.is_killed();
    (project, run)
}

/// Runs pikaci where nothing can be written.
fn look(project: &Project, args: &[&str]) -> Ran {
    let pikaci = project.command(args);
    let mut bwrap = Command::new("bwrap");
    bwrap.args(["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--chdir"]).arg(project.path("."));
    ran(bwrap.arg(pikaci.get_program()).args(pikaci.get_args()))
}

/// Returns what programs are shown of the run, without the moment at which it was found dead.
#[track_caller]
fn shown(ran: Ran) -> Value {
    let mut status: Value = serde_json::from_str(&ran.exits(0).stdout).unwrap();
    status["run"]["finished_at"].take();
    for job in status["jobs"].as_array_mut().unwrap() {
        if job["status"] != "passed" {
            assert!(job["finished_at"].take().is_string());
        }
    }
    status
}

/// Returns every file of the runs with what it holds.
fn files(project: &Project) -> BTreeMap<PathBuf, Vec<u8>> {
    let runs = ran(Command::new("find").arg(project.state("runs")).args(["-type", "f"])).exits(0).stdout;
    runs.lines().map(|path| (PathBuf::from(path), fs::read(path).unwrap())).collect()
}

#[test]
fn it_is_shown_as_it_will_be_recorded() {
    let (project, _) = killed();
    let before = files(&project);
    let status = ["status", "2", "--format=json"];
    let seen = shown(look(&project, &status));
    let listed = look(&project, &["list"]).exits(0);
    assert_eq!((listed.stderr.as_str(), files(&project)), ("", before));
    let recorded = project.pikaci(&status);
    assert_eq!(recorded.stderr, "run 2 was interrupted; its record says so now\n");
    assert_eq!(seen, shown(recorded));
    assert!(listed.stdout.contains("errored") && listed.stdout.contains("1 passed, 1 errored, 1 cancelled\n"));
    assert_eq!(seen["run"]["message"], "interrupted: pikaci was killed or the machine went down");
    assert_eq!(seen["jobs"][1]["message"], seen["run"]["message"]);
    assert_eq!(seen["jobs"][2]["message"], "the run was interrupted before it began");
}

/// Asserts that a run is named as one of a later pikaci by who looks, and that nothing of it changes.
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
fn one_of_a_later_pikaci_is_left_as_it_is() {
    let (project, run) = killed();
    let mut record = json(&run.layout().record());
    record["schema_version"] = 2.into();
    record["cause"] = "something new".into();
    write_json(Point::RunRecord, &run.layout().record(), &record).unwrap();
    assert_left_alone(&project, "run.json has version 2, and this pikaci knows version 1");

    let (project, run) = killed();
    let events = fs::read_to_string(run.layout().events()).unwrap();
    fs::write(run.layout().events(), events.replacen(r#""schema_version":1"#, r#""schema_version":2"#, 1)).unwrap();
    let path = run.layout().events();
    let error = format!("replaying {}: it has version 2, and this pikaci knows version 1", path.display());
    assert_left_alone(&project, &error);
}

#[test]
fn what_a_later_pikaci_added_to_the_events_stays() {
    let (project, run) = killed();
    let added = r#"{"at":"2026-11-22T10:15:05Z","event":"job_teleported","job":"b","to":[1,2]}"#;
    append_line(&run.layout().events(), added).unwrap();
    assert_eq!(project.pikaci(&["list"]).exits(0).stderr, "run 2 was interrupted; its record says so now\n");
    assert!(fs::read_to_string(run.layout().events()).unwrap().contains(&format!("\n{added}\n")));
    assert_eq!(project.record().status.outcome(), Some(Outcome::Errored));
    assert_eq!(["a", "b", "c"].map(|job| project.job(job).status.word()), ["passed", "errored", "cancelled"]);
}

#[test]
fn what_a_power_loss_tore_is_told_again() {
    let (project, run) = killed();
    fs::write(run.layout().record(), "").unwrap();
    fs::write(run.layout().job(&JobId::new("a")).status(), "{\"id\":").unwrap();
    fs::remove_dir_all(run.layout().job(&JobId::new("b")).root()).unwrap();
    let listed = look(&project, &["list"]).exits(0);
    assert!(listed.stdout.contains("errored") && listed.stdout.contains("1 passed, 1 errored, 1 cancelled\n"));
    assert_eq!(project.pikaci(&["list"]).exits(0).stderr, "run 2 was interrupted; its record says so now\n");
    assert_eq!(project.record().status.outcome(), Some(Outcome::Errored));
    assert_eq!(["a", "b", "c"].map(|job| project.job(job).status.word()), ["passed", "errored", "cancelled"]);
    assert!(!run.layout().lock().exists());
}
