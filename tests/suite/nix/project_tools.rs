//! Programs that search the parent folders for their project, in a job of base `none`.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::support::project::{Project, ran};

/// Prints the project that each tool detects; none may be the repository around it.
const TOOLS: &str = r#"
    echo "folder $PWD"
    ! git rev-parse --show-toplevel
    ! git stash
    ! git tag by-the-job
    ! git reset --hard
    echo "cargo $(cargo metadata --offline --no-deps --format-version 1)"
    echo "npm $(npm prefix)"
    /usr/bin/python3 -m pytest -q -p no:cacheprovider
    echo "editorconfig $(editorconfig "$PWD/main.c")"
"#;

/// Returns a project in a folder of a repository whose top every tool would use as its own project.
fn project() -> (TempDir, Project) {
    let repository = TempDir::with_prefix("pikaci-test-").unwrap();
    let top = |name: &str, text: &str| fs::write(repository.path().join(name), text).unwrap();
    top("Cargo.toml", "[workspace]\nmembers = []\n");
    top("package.json", "{ \"name\": \"top\" }\n");
    top("conftest.py", "raise SystemExit('this is of the project around')\n");
    top(".editorconfig", "root = true\n[*]\nindent_size = 7\n");
    let quoted = serde_json::to_string(TOOLS).unwrap().replace("${", "\\${");
    let project = Project::at(
        &repository.path().join("part"),
        &format!("{{ guests.default.base = \"none\"; defaults.network = true; jobs.tools.command = {quoted}; }}"),
    )
    .file("Cargo.toml", "[package]\nname = \"part\"\nversion = \"0.1.0\"\n[lib]\npath = \"lib.rs\"\n")
    .file("lib.rs", "")
    .file("test_it.py", "def test_it():\n    pass\n");
    for args in [&["init", "--quiet", ".."][..], &["add", "--all", ".."], &["commit", "--quiet", "--message=all"]] {
        project.git(args);
    }
    (repository, project.file("lib.rs", "// not committed\n"))
}

#[test]
fn tools_stay_in_the_copy_that_a_job_works_on() {
    let (repository, project) = project();
    project.pikaci(&["run", "--all"]).exits(0);
    let output = project.output("tools");
    let reported =
        |tool: &str| output.lines().find_map(|line| line.strip_prefix(&format!("{tool} "))).unwrap_or_default();
    let folder = reported("folder");
    assert!(Path::new(folder).is_absolute() && !folder.starts_with(repository.path().to_str().unwrap()), "{output}");
    assert!(!Path::new(folder).exists(), "{folder}");
    let metadata: serde_json::Value = serde_json::from_str(reported("cargo")).unwrap();
    assert_eq!(metadata["workspace_root"], folder);
    assert_eq!((reported("npm"), reported("editorconfig")), (folder, ""), "{output}");
    assert!(output.contains("1 passed") && !output.contains("HEAD is now at"), "{output}");
    assert_eq!(fs::read_to_string(project.path("lib.rs")).unwrap(), "// not committed\n");
    assert!(!repository.path().join(".git/refs/tags/by-the-job").exists());
}

#[test]
fn a_job_never_works_in_a_cache_inside_the_project() {
    let (repository, project) = project();
    for (name, value) in [("HOME", repository.path()), ("XDG_CACHE_HOME", &project.path("cache"))] {
        // Without a home, cargo may be missing; the first line is the folder of the job.
        ran(project.command(&["run", "--all"]).env(name, value));
        let output = project.output("tools");
        let folder = output.lines().next().unwrap().strip_prefix("folder ").unwrap();
        assert!(!folder.starts_with(repository.path().to_str().unwrap()), "{name}: {output}");
    }
}
