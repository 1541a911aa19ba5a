//! The jobs that `pikaci init` writes, in guests.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::support::init_trees::{PYTHON, TREES, c_library};
use crate::support::project::{Project, ran};

#[test]
fn the_first_job_of_a_new_job_file_passes() {
    for (job, project, line) in [
        ("make", c_library(Project::with_guests("")), "8 tests, 0 failed"),
        ("python", PYTHON.fill(Project::with_guests("")), "Ran 1 test in "),
    ] {
        project.pikaci(&["init"]).exits(0);
        project.pikaci(&["run", job]).exits(0);
        let output = project.output(job);
        assert!(output.contains(line), "{output}");
    }
}

/// The stand-in of Go is in a folder that only the search path names.
#[test]
fn the_first_job_passes_with_a_toolchain_outside_of_usr() {
    let folder = tempfile::tempdir().unwrap();
    let go = folder.path().join("go");
    fs::write(&go, "#!/bin/sh\necho \"$0 $1\"\n").unwrap();
    fs::set_permissions(&go, fs::Permissions::from_mode(0o755)).unwrap();
    let tree = TREES.iter().find(|tree| tree.job == "go").unwrap();
    let project = tree.fill(Project::with_guests(""));
    let pikaci = |args: &[&str]| {
        let mut command = project.command(args);
        let (_, path) = command.get_envs().find(|(name, _)| *name == "PATH").unwrap();
        let folders = std::env::split_paths(path.unwrap());
        let path = std::env::join_paths([folder.path().to_owned()].into_iter().chain(folders)).unwrap();
        ran(command.env("PATH", path)).exits(0)
    };
    pikaci(&["init"]);
    pikaci(&["check"]);
    pikaci(&["run", "go", "--allow-host-folders"]);
    assert_eq!(project.output("go"), format!("{} test\n", go.display()));
}
