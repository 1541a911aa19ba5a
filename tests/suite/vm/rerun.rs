//! `pikaci rerun` of a job whose runner is missing.

use std::fs;

use pikaci::event::Outcome;

use crate::support::project::Project;

#[test]
fn a_missing_runner_is_built_again_only_from_its_flake() {
    let project = Project::with_guests(r#"{ jobs.a.command = "true"; }"#);
    project.pikaci(&["run"]).exits(0);
    fs::remove_dir_all(project.state("runners")).unwrap();
    fs::rename(project.state("flakes"), project.state("moved")).unwrap();
    let refused = project.pikaci(&["rerun"]).exits(4).stderr;
    assert!(refused.contains("can't be run again: the flake of its runner, "), "{refused}");
    fs::rename(project.state("moved"), project.state("flakes")).unwrap();
    project.pikaci(&["rerun"]).exits(0);
    assert_eq!(project.record().prepares[0].status.outcome(), Some(Outcome::Passed));
}
