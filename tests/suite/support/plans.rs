//! The output of `pikaci plan`.

use serde_json::Value;

use crate::support::project::Project;

const JOBS: &str = r#"{
  guests.big = { vcpu = 2; memory = "2G"; };
  jobs.lint = { command = "make lint"; description = "Style"; };
  jobs.test = { command = [ "make" "test" ]; needs = [ "lint" ]; guest = "big"; env.MODE = "a\nb"; artifacts = [ "out/**" ]; };
  jobs.docs = { command = "make docs"; paths = [ "docs/**" "*.md" ]; };
  targets.pre-merge = { jobs = [ "test" ]; description = "Before a merge"; };
}"#;

pub fn project() -> Project {
    with_files(JOBS)
}

pub fn with_files(job_file: &str) -> Project {
    Project::new(job_file)
        .file("src/a.c", "int a;\n")
        .file("docs/deep/b.md", "b\n")
        .file("Makefile", "all:\n")
        .committed()
}

/// Returns the plan that `pikaci plan ARGS` prints.
#[track_caller]
pub fn plan(project: &Project, args: &[&str]) -> Value {
    let args = [&["plan", "--format", "json"], args].concat();
    serde_json::from_str(&project.pikaci(&args).exits(0).stdout).unwrap()
}

/// Returns the ids of the jobs that a plan runs.
pub fn jobs(plan: &Value) -> Vec<&str> {
    nodes(plan, "execute").iter().map(|node| node["execute"]["job"].as_str().unwrap()).collect()
}

pub fn nodes<'a>(plan: &'a Value, kind: &str) -> Vec<&'a Value> {
    plan["nodes"].as_array().unwrap().iter().filter(|node| node["kind"] == kind).collect()
}
