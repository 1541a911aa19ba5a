//! pikaci killed before and after each of its steps, in commands that need neither Nix nor a guest.

use std::fs;

use crate::support::kill_scenes::{CANCEL, CHANGED, FIRST, GC, INIT, RECOVERY};
use crate::support::killing::Scene;
use crate::support::project::Project;

/// A run goes on beside it, which is asked to end by the one that is killed or by the next.
#[test]
fn a_cancel() {
    let job_file = r#"{ guests.default.base = "none"; jobs.a = { command = "sleep $(cat time)"; network = true; }; }"#;
    for target in CANCEL {
        let scene = Scene::new(Project::new(job_file).file("time", "600\n"), &["run"]);
        let mut beside = scene.begins();
        beside.says("a: started\n");
        scene.dies(&["cancel"], target);
        let is_asked = target.contains("renamed") || target.contains("after");
        if !is_asked {
            scene.runs(&["cancel"]);
        }
        beside.ends(target).exits(130);
        fs::write(scene.project.path("time"), "0\n").unwrap();
        scene.is_well(target);
    }
}

/// There is either the whole job file or none.
#[test]
fn an_init() {
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
        assert_eq!(checked, "pikaci.nix is valid: 1 job, 0 targets\n", "{target}");
    }
}

#[test]
fn a_first_run_of_jobs_without_guests() {
    FIRST.kill_at_each();
}

#[test]
fn a_run_whose_snapshot_was_changed() {
    CHANGED.kill_at_each();
}

#[test]
fn a_gc_of_everything() {
    GC.kill_at_each();
}

#[test]
fn a_list_that_records_the_end_of_a_killed_run() {
    RECOVERY.kill_at_each();
}
