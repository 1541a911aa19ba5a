//! pikaci killed before and after each of its steps, in commands that need neither Nix nor a guest.

use std::fs;

use crate::support::kill_scenes::{CACHES, CANCEL, CHANGED, FIRST, GC, INIT, PRUNE, RECOVERY};
use crate::support::killing::Scene;
use crate::support::project::Project;

/// A run continues beside the killed command; that command or the next one requests its end.
#[test]
fn a_cancel_may_be_killed_at_every_step() {
    let job_file = r#"{ guests.default.base = "none"; jobs.a = { command = "sleep $(cat time)"; network = true; }; }"#;
    for target in CANCEL {
        let scene = Scene::new(Project::new(job_file).file("time", "600\n"), &["run"]);
        let mut beside = scene.begins();
        beside.says("a: started\n");
        scene.dies(&["cancel"], target);
        let is_requested = target.contains("renamed") || target.contains("after");
        if !is_requested {
            scene.runs(&["cancel"]);
        }
        beside.ends(target).exits(130);
        fs::write(scene.project.path("time"), "0\n").unwrap();
        scene.assert_recovered(target);
    }
}

/// There is either the whole job file or none.
#[test]
fn an_init_may_be_killed_at_every_step() {
    for target in INIT {
        let scene = Scene::new(Project::new(""), &["init"]);
        let job_file = scene.project.path("pikaci.nix");
        fs::remove_file(&job_file).unwrap();
        scene.dies(&["init"], target);
        let is_written = target.contains("renamed") || target.contains("after");
        assert_eq!(job_file.exists(), is_written, "{target}");
        if !is_written {
            scene.runs(&["init"]);
        }
        let checked = scene.runs(&["check"]).stdout;
        assert_eq!(checked, "pikaci.nix is valid: 1 job, 0 targets\nread by pikaci, without Nix\n", "{target}");
    }
}

#[test]
fn a_first_run_without_guests_may_be_killed_at_every_step() {
    FIRST.kill_at_each();
}

#[test]
fn a_run_with_a_changed_snapshot_may_be_killed_at_every_step() {
    CHANGED.kill_at_each();
}

#[test]
fn a_run_with_a_cache_may_be_killed_at_every_step() {
    CACHES.kill_at_each();
    PRUNE.kill_at_each();
}

#[test]
fn a_gc_of_everything_may_be_killed_at_every_step() {
    GC.kill_at_each();
}

#[test]
fn a_list_that_records_a_killed_run_may_be_killed_at_every_step() {
    RECOVERY.kill_at_each();
}
