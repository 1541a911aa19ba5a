//! Jobs with `git = true`, on base `none`.

use std::fs;

use pikaci::event::Outcome;

use crate::support::project::Project;

const JOBS: &str = r#"{
  guests.default.base = "none";
  jobs.version = { command = "git describe --tags --dirty && ls -d .git && cat .git/config"; git = true; cache = "trust"; };
  jobs.without.command = "! git status";
}"#;

fn project() -> Project {
    let project = Project::new(JOBS).file(".gitignore", ".pikaci\n").file("a", "a\n").committed();
    project.git(&["tag", "v1"]);
    project.git(&["remote", "add", "origin", "https://me:t0ken@example.org/x"]);
    project
}

#[test]
fn only_a_job_that_requests_it_has_a_repository() {
    let project = project();
    project.pikaci(&["run"]).exits(0);
    let output = project.output("version");
    assert!(output.starts_with("v1\n.git\n[core]\n") && !output.contains("t0ken"), "{output}");
    project.pikaci(&["run"]).exits(0);
    assert_eq!(project.job("version").status.outcome(), Some(Outcome::Cached));
    // What the job sees of git is a part of its result key.
    project.git(&["tag", "v2", "-m", "newer"]);
    let why = project.pikaci(&["why", "version"]).exits(0).stdout;
    project.pikaci(&["run"]).exits(0);
    assert!(project.output("version").starts_with("v2\n") && why.contains("git"), "{why}");
    fs::write(project.path("a"), "b\n").unwrap();
    project.pikaci(&["run"]).exits(0);
    assert!(project.output("version").starts_with("v2-dirty\n"));
    project.pikaci(&["rerun", "--untrusted"]).exits(2);
}

#[test]
fn a_rerun_needs_the_repository_of_then() {
    let project = project();
    project.pikaci(&["run"]).exits(0);
    let first = project.runs().pop().unwrap();
    project.pikaci(&["rerun", "version"]).exits(0);
    assert!(project.output("version").starts_with("v1\n"));
    project.git(&["branch", "new"]);
    let refused = project.pikaci(&["rerun"]).exits(4).stderr;
    let why =
        "job version has `git = true`, and HEAD, a branch, a tag or the index has changed since\nhint: pikaci run\n";
    assert!(refused.ends_with(why), "{refused}");
    project.pikaci(&["rerun", &first, "without"]).exits(0);
}

#[test]
fn a_project_without_a_repository_of_its_own_is_refused_before_anything_runs() {
    let project = Project::new(JOBS);
    for command in ["plan", "run"] {
        let refused = project.pikaci(&[command]).exits(2).stderr;
        assert!(refused.contains("but it isn't the top folder of a git repository\nhint: "), "{refused}");
    }
    assert_eq!(project.runs(), [""; 0]);
    project.pikaci(&["run", "without"]).exits(0);
}
