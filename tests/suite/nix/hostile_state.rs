//! Forged records, and state folders of other users.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};

use crate::support::hostile_state::Scene;
use crate::support::plain_user::by_plain_user;
use crate::support::project::{Project, ran};
use crate::support::stand_in::StandIns;

#[test]
fn a_state_folder_that_others_own_or_can_write_is_refused() {
    let scene = Scene::new();
    let state = scene.project.path(".pikaci");
    fs::set_permissions(&state, fs::Permissions::from_mode(0o777)).unwrap();
    scene.refuses(None, "other users can write to the state folder");
    fs::set_permissions(&state, fs::Permissions::from_mode(0o700)).unwrap();
    chown(&state, Some(4321), Some(4321)).unwrap();
    scene.refuses(None, "belongs to another user (uid 4321)");
    // A plain user gets the same error for a folder that root created.
    let programs = StandIns::new();
    drop(by_plain_user(&scene.project, &programs, &["list"]));
    chown(&state, Some(0), Some(0)).unwrap();
    let mut list = by_plain_user(&scene.project, &programs, &["list"]);
    chown(&state, Some(0), Some(0)).unwrap();
    let stderr = ran(&mut list).exits(2).stderr;
    assert!(stderr.contains("belongs to another user (uid 0)\nhint: run pikaci as that user"), "{stderr}");
}

/// Replaces texts in all records of the latest run.
fn forge(project: &Project, replacements: &[(&str, &str)]) {
    let run = project.last_run();
    let job = run.join("jobs/a/status.json");
    for file in [run.join("run.json"), run.join("events.jsonl"), run.join("plan.json"), job] {
        let text = fs::read_to_string(&file).unwrap();
        let text = replacements.iter().fold(text, |text, (from, to)| text.replace(from, to));
        fs::write(&file, text).unwrap();
    }
}

/// A state folder from an archive belongs to the user, and git doesn't track it.
#[test]
fn forged_records_reach_nothing_outside() {
    for (user, up) in [(false, ""), (true, ""), (false, "../../../../../../../../../../..")] {
        let programs = user.then(StandIns::new);
        let scene = Scene::new();
        fs::set_permissions(scene.outside.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let log = scene.project.job("a").logs.guest_log_path.unwrap();
        let to = format!("{up}{}", scene.outside("secret").display());
        forge(
            &scene.project,
            &[(log.as_str(), &to), ("\"artifacts_dir\": null", &format!("\"artifacts_dir\": {to:?}"))],
        );
        scene.holds(programs.as_ref(), |args, ran| assert_ne!(ran.code, Some(124), "{args:?} hangs"));
    }
}
