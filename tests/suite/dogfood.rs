//! pikaci's own jobs, run by pikaci.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use pikaci::config::{self, Command as JobCommand};
use pikaci::id::JobId;
use serde_json::Value;

use crate::project::{Project, ran};
use crate::rooms::{PURE, assert_pure};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// What the jobs need of the repository.
const PARTS: [&str; 5] = [".ci", "nix", "src", "templates", "tests"];

#[test]
fn the_unit_job_runs_the_tests_of_every_pure_room_and_no_others() {
    let text = fs::read_to_string(Path::new(ROOT).join("pikaci.nix")).unwrap();
    let config = config::read("pikaci.nix", &text).unwrap();
    let JobCommand::Argv(words) = &config.jobs[&JobId::new("unit")].command else { panic!("{config:?}") };
    let filters: Vec<&str> = words.iter().skip(1).map(String::as_str).filter(|word| !word.starts_with("--")).collect();
    for room in PURE.map(|room| format!("{}::", room.trim_end_matches(".rs"))) {
        assert!(filters.contains(&room.as_str()), "pikaci.nix leaves out {room}");
    }
    let path = |filter: &&str| Path::new(ROOT).join("src").join(filter.trim_end_matches("::").replace("::", "/"));
    for file in filters.iter().map(path).filter(|path| !path.is_dir()) {
        assert_pure(&file.with_extension("rs"));
    }
}

#[test]
fn as_many_pure_tests_pass_in_a_machine_as_there_are() {
    let binary = unit_tests();
    let job_file = fs::read_to_string(Path::new(ROOT).join("pikaci.nix")).unwrap();
    let project = Project::new(&job_file);
    for part in PARTS {
        let status = Command::new("cp").arg("-a").arg(Path::new(ROOT).join(part)).arg(project.path("")).status();
        assert!(status.unwrap().success(), "copying {part}");
    }
    fs::copy(&binary, project.path("unit-tests")).unwrap();
    let plan: Value = serde_json::from_str(&project.pikaci(&["plan", "--format=json"]).exits(0).stdout).unwrap();
    let unit = plan["nodes"].as_array().unwrap().iter().find(|node| node["id"] == "execute:unit").unwrap();
    let args = unit["execute"]["command"].as_array().unwrap().iter().skip(1).map(|word| word.as_str().unwrap());
    let listed = ran(Command::new(&binary).arg("--list").args(args)).exits(0).stdout;
    let here = listed.lines().filter(|line| line.ends_with(": test")).count();
    assert!(here >= 20, "{listed}");

    project.pikaci(&["run", "pre-merge"]).exits(0);
    let output = project.output("unit");
    assert!(output.contains(&format!("test result: ok. {here} passed; 0 failed")), "{output}");
}

/// Builds the test binary of the library, as the suite itself was built, and returns where it is.
fn unit_tests() -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["test", "--locked", "--lib", "--no-run", "--features=failpoints", "--message-format=json"]);
    let built = ran(cargo.current_dir(ROOT)).exits(0);
    let messages = built.stdout.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut tests = messages.filter(|message| message["profile"]["test"] == true);
    let binary = tests.find_map(|message| message["executable"].as_str().map(PathBuf::from));
    binary.expect("cargo names the test binary")
}
