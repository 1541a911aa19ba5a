//! `pikaci.json`, a job file in JSON.

use std::fs;

use crate::support::project::Project;

fn project(text: &str) -> Project {
    let project = Project::new("{ }").file("pikaci.json", text);
    fs::remove_file(project.path("pikaci.nix")).unwrap();
    project
}

#[test]
fn a_job_file_may_be_json() {
    let text = r#"{ "guests": { "default": { "base": "none" } },
        "jobs": { "a": { "command": "echo ${HOME:-x} '\"'", "network": true } } }"#;
    let project = project(text);
    let checked = project.pikaci(&["check"]).exits(0).stdout;
    assert_eq!(checked, "pikaci.json is valid: 1 job, 0 targets\nread by pikaci, without Nix\n");
    fs::create_dir(project.path("below")).unwrap();
    project.pikaci(&["run", "-C", "below", "--all"]).exits(0);
}

#[test]
fn errors_of_a_json_file_have_their_place() {
    let syntax = project("{ \"jobs\": {\n  \"a\": 1,\n} }").pikaci(&["check"]).exits(2).stderr;
    assert!(syntax.contains("pikaci.json: ") && syntax.contains("at line 3 column 1"), "{syntax}");
    let key = project(r#"{ "jobs": { "a": { "comand": "x" } } }"#).pikaci(&["check"]).exits(2).stderr;
    assert!(key.contains("unknown key `comand` in `jobs.a`") && key.contains("value of pikaci.json:"), "{key}");
}

#[test]
fn a_project_has_one_job_file() {
    let refused = Project::new("{ }").file("pikaci.json", "{}").pikaci(&["check"]).exits(2).stderr;
    assert!(refused.contains("has two job files: pikaci.nix and pikaci.json\nhint: remove one"), "{refused}");
}
