//! The example of containers, as a project of its own.

use std::fs;
use std::path::Path;

use crate::support::project::Project;

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/containers");

#[test]
fn a_job_of_root_runs_a_container_with_the_busybox_of_the_guest() {
    let read = |name| fs::read_to_string(Path::new(EXAMPLE).join(name)).unwrap();
    let project = Project::with_guests(&read("pikaci.nix")).file("container.sh", &read("container.sh"));
    project.pikaci(&["run"]).exits(0);
    let output = project.output("container");
    // Podman prints the image first; bubblewrap's own process is the first one of its container, and podman adds
    // folders.
    let greeting = output.lines().last().unwrap_or_default();
    let (process, folders) = greeting.split_once(" as user 0, with bin dev ").unwrap_or_else(|| panic!("{output}"));
    assert!(["process 1", "process 2"].contains(&process), "{output}");
    assert!(folders.contains("greet proc") && !folders.contains("workspace"), "{output}");
}
