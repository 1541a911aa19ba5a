//! Runners that the newest Nix builds, in folders with any name.

use std::fs;
use std::path::PathBuf;

use crate::support::project::{Project, json, ran};
use crate::support::tools::nix;

#[test]
fn a_runner_builds_in_any_folder_and_with_the_newest_nix() {
    let name = "a #b?c%20d,e,,f'g\"h\\i $(j) ß&雪";
    let project = Project::with_guests("{ }").file(
        &format!("{name}/pikaci.nix"),
        r#"{ jobs."a b" = { command = "cat 'file one'; echo >out made"; artifacts = [ "out" ]; }; }"#,
    );
    let project = project.file(&format!("{name}/file one"), "content\n");
    let folder = project.path(name);
    let state = project.path(&format!("{name} state"));
    let mut command =
        project.command(&["run", "-C", folder.to_str().unwrap(), "--state-root", state.to_str().unwrap()]);
    let path = std::env::join_paths([nix("newest").parent().unwrap().to_owned(), "/usr/bin".into(), "/bin".into()]);
    ran(command.env("PATH", path.unwrap())).exits(0);
    let runs: Vec<PathBuf> = fs::read_dir(state.join("runs")).unwrap().map(|entry| entry.unwrap().path()).collect();
    let record = json(&runs[0].join("run.json"));
    let job = json(&state.join(record["jobs"][0]["status_path"].as_str().unwrap()));
    let read = |path: &str| fs::read_to_string(state.join(path)).unwrap();
    assert_eq!(read(job["guest_log_path"].as_str().unwrap()), "content\n");
    assert_eq!(read(&format!("{}/out", job["artifacts_dir"].as_str().unwrap())), "made\n");
}
