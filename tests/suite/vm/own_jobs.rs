//! The jobs of this repository, run by pikaci.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::project::{Project, ran};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// The parts of the repository that the jobs need.
const PARTS: [&str; 5] = [".ci", "nix", "src", "templates", "tests"];

#[test]
fn every_pure_test_passes_in_a_guest() {
    let binary = unit_tests();
    let job_file = fs::read_to_string(Path::new(ROOT).join("pikaci.nix")).unwrap();
    let project = Project::with_guests(&job_file);
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

/// Builds the test binary of the library with the options of the suite, and returns its path.
fn unit_tests() -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["test", "--locked", "--lib", "--no-run", "--features=failpoints", "--message-format=json"]);
    let built = ran(cargo.current_dir(ROOT)).exits(0);
    let messages = built.stdout.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut tests = messages.filter(|message| message["profile"]["test"] == true);
    let binary = tests.find_map(|message| message["executable"].as_str().map(PathBuf::from));
    binary.expect("cargo names the test binary")
}
