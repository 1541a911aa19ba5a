//! `pikaci rerun` of jobs without a guest.

use std::fs;

use pikaci::event::Outcome;

use crate::support::project::{Project, json};

/// Creates jobs, one of which fails as long as a file of the host is missing.
fn project() -> (Project, std::path::PathBuf) {
    let project = Project::without_guest(
        r#"
        build = { command = "cat file"; };
        test = { command = "cat file; [ -e MARK ]"; needs = [ "build" ]; };
        late = { command = "echo late"; needs = [ "test" ]; };
        other = { command = "echo other"; };
        "#,
    );
    let mark = project.path("mark");
    let job_file = fs::read_to_string(project.path("pikaci.nix")).unwrap();
    let job_file = job_file.replace("MARK", mark.to_str().unwrap());
    (project.file("pikaci.nix", &job_file).file("file", "as it was\n"), mark)
}

fn jobs(project: &Project) -> Vec<String> {
    project.record().jobs.iter().map(|job| format!("{} {}", job.id, job.status.word())).collect()
}

#[test]
fn a_rerun_uses_the_recorded_plan_and_snapshot() {
    let (project, mark) = project();
    project.pikaci(&["run"]).exits(100);
    let first = project.record();
    assert_eq!(jobs(&project), ["build passed", "other passed", "test failed", "late skipped"]);

    // Neither file matters any more: the job file isn't even read.
    fs::write(project.path("file"), "changed\n").unwrap();
    fs::write(project.path("pikaci.nix"), "{ nonsense").unwrap();
    fs::write(&mark, "").unwrap();
    let again = project.pikaci(&["rerun", "--failed"]).exits(0).stderr;
    let line = format!("rerunning 2 jobs of run {} on the files of then", first.run_id);
    assert!(again.starts_with(&(line + "; on the files of today: pikaci run --failed\n")), "{again}");
    let second = project.record();
    assert_eq!(jobs(&project), ["test passed", "late passed"]);
    assert_eq!(project.output("test"), "as it was\n");
    assert_eq!(
        (second.source.rerun_of.as_ref(), &second.source.snapshot_dir),
        (Some(&first.run_id), &first.source.snapshot_dir)
    );
    let message = project.pikaci(&["rerun", "--failed"]).exits(0).stderr;
    assert!(message.contains(&format!("nothing to do: every job of run {} passed", second.run_id)), "{message}");

    project.pikaci(&["rerun", first.run_id.as_str()]).exits(0);
    assert_eq!(jobs(&project).len(), 4);
    project.pikaci(&["rerun", first.run_id.as_str(), "late"]).exits(0);
    assert_eq!(jobs(&project), ["test passed", "late passed"]);
    project.pikaci(&["rerun", "late"]).exits(0);
    assert_eq!(jobs(&project), ["late passed"]);
    assert_eq!(project.record().selection.filters, ["late"]);
    assert_eq!(project.job("late").status.outcome(), Some(Outcome::Passed));
    let plan = json(&project.last_run().join("plan.json"));
    assert_eq!(plan["run_id"], project.record().run_id.as_str());
}

#[test]
fn a_rerun_without_its_files_is_refused_with_the_reason() {
    let (project, _) = project();
    project.pikaci(&["run"]).exits(100);
    let id = project.record().run_id;
    let nobody = project.pikaci(&["rerun", "nobody"]).exits(4).stderr;
    assert!(nobody.contains("there is no run \"nobody\""), "{nobody}");
    project.pikaci(&["rerun", "latest", "nobody"]).exits(4);

    let snapshots = project.state("snapshots");
    fs::rename(&snapshots, project.state("moved")).unwrap();
    let refused = project.pikaci(&["rerun"]).exits(4).stderr;
    assert!(refused.contains(&format!("error: run {id} can't be run again: its snapshot ")), "{refused}");
    assert!(refused.contains(" is missing\nhint: pikaci run"), "{refused}");
    fs::rename(project.state("moved"), &snapshots).unwrap();

    let plan = project.last_run().join("plan.json");
    let text = fs::read_to_string(&plan).unwrap();
    fs::write(&plan, text.replacen("\"schema_version\": 1", "\"schema_version\": 99", 1)).unwrap();
    let refused = project.pikaci(&["rerun"]).exits(4).stderr;
    assert!(refused.contains("has version 99, and this pikaci supports version 1"), "{refused}");
    fs::remove_file(&plan).unwrap();
    project.pikaci(&["rerun"]).exits(4);
    assert_eq!(project.runs().len(), 1);
}

#[test]
fn a_changed_host_is_reported() {
    let (project, mark) = project();
    fs::write(mark, "").unwrap();
    project.pikaci(&["run"]).exits(0);
    let quiet = project.pikaci(&["rerun"]).exits(0).stderr;
    assert!(!quiet.contains("warning"), "{quiet}");
    let record = project.last_run().join("run.json");
    let text = fs::read_to_string(&record).unwrap();
    let name = json(&record)["host_os"]["pretty_name"].as_str().unwrap().to_owned();
    fs::write(&record, text.replace(&name, "Older System 1")).unwrap();
    let message = project.pikaci(&["rerun"]).exits(0).stderr;
    assert!(message.contains(&format!("ran on Older System 1, but this machine has {name} now")), "{message}");
}
