//! State folders that came with a project: no command trusts, follows or removes any file in them.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use crate::support::hostile_state::Scene;

#[test]
fn a_state_folder_that_git_tracks_is_refused() {
    let scene = Scene::new();
    scene.project.git(&["add", "--force", ".pikaci"]);
    scene.project.git(&["commit", "--quiet", "--message=state"]);
    scene.refuses(None, "came with the repository: git tracks .pikaci/");
}

#[test]
fn an_ignored_state_folder_with_files_of_a_branch_is_refused() {
    let scene = Scene::new();
    let run = scene.project.last_run();
    let forged = run.with_file_name("20991101-000000000-0000");
    let copied = Command::new("cp").arg("-a").args([&run, &forged]).status().unwrap();
    assert!(copied.success());
    scene.project.git(&["add", "--force", forged.to_str().unwrap()]);
    scene.refuses(None, "came with the repository: git tracks .pikaci/runs/20991101-000000000-0000/");
    // The same applies to a folder inside the repository, in every spelling of its path.
    let inner = scene.project.path("inner/state");
    fs::create_dir_all(&inner).unwrap();
    fs::write(inner.join("version"), "1\n").unwrap();
    scene.project.git(&["add", "--force", "inner"]);
    let list = scene.project.pikaci(&["list", "--state-root=inner/../inner/state"]).exits(2).stderr;
    assert!(list.contains("git tracks state/version"), "{list}");
}

#[test]
fn a_state_folder_that_is_or_contains_a_link_is_refused() {
    let scene = Scene::new();
    let state = scene.project.path(".pikaci");
    let kept = scene.project.path("kept");
    for name in ["runs", "locks", "snapshots", "indexes"] {
        fs::create_dir_all(state.join(name)).unwrap();
        fs::rename(state.join(name), &kept).unwrap();
        symlink(scene.outside.path(), state.join(name)).unwrap();
        scene.refuses(None, &format!(".pikaci/{name} is a symbolic link, and pikaci follows no links to its state"));
        fs::remove_file(state.join(name)).unwrap();
        fs::rename(&kept, state.join(name)).unwrap();
    }
    for (name, to) in [("version", "/dev/zero"), ("host.json", "/dev/zero"), ("kvm.json", "/etc/passwd")] {
        fs::remove_file(state.join(name)).ok();
        symlink(to, state.join(name)).unwrap();
        scene.refuses(None, &format!(".pikaci/{name} is a symbolic link"));
        fs::remove_file(state.join(name)).unwrap();
        fs::write(state.join("version"), "1\n").unwrap();
    }
    fs::rename(&state, scene.outside("state")).unwrap();
    symlink(scene.outside("state"), &state).unwrap();
    scene.refuses(None, ".pikaci is a symbolic link, and pikaci follows no links to its state");
}

#[test]
fn links_and_devices_among_records_are_not_followed() {
    let log = |name: &str| format!("jobs/a/attempts/1/{name}.log");
    for (name, to) in [
        (log("guest"), "secret"),
        (log("host"), "secret"),
        ("jobs/a/status.json".to_owned(), "/dev/zero"),
        ("events.jsonl".to_owned(), "/dev/zero"),
        ("lock".to_owned(), "made"),
        ("run.json".to_owned(), "/dev/zero"),
        ("../20991101-000000000-0000".to_owned(), "20261101-000000000-0000"),
        ("../../locks/gc".to_owned(), "made"),
    ] {
        let scene = Scene::new();
        let place = scene.project.last_run().join(&name);
        fs::remove_file(&place).ok();
        symlink(scene.outside(to), &place).unwrap();
        scene.holds(None, |args, ran| assert_ne!(ran.code, Some(124), "{args:?} hangs: {name}"));
    }
}

#[test]
fn a_changed_snapshot_is_not_run_again() {
    let scene = Scene::new();
    let snapshot = scene.project.state(&scene.project.record().source.snapshot_dir);
    for change in ["added", "pikaci.nix", ".git/config"] {
        let file = snapshot.join(change);
        let before = fs::read(&file).ok();
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, "changed").unwrap();
        let stderr = scene.project.pikaci(&["rerun"]).exits(4).stderr;
        assert!(stderr.contains("has changed since it was made\nhint: pikaci run"), "{stderr}");
        match before {
            Some(text) => fs::write(&file, text).unwrap(),
            None if change == ".git/config" => fs::remove_dir_all(snapshot.join(".git")).unwrap(),
            None => fs::remove_file(&file).unwrap(),
        }
    }
    assert!(!scene.outside("ran").exists());
    scene.project.pikaci(&["rerun"]).exits(0);
    assert!(scene.outside("ran").exists());
}
