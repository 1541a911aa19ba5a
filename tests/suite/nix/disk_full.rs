//! A full disk at each step of a run: the error names it, and no record is lost.

use std::collections::BTreeSet;
use std::process::Command;

use crate::support::disk::{Disk, assert_reported};
use crate::support::project::{Project, ran};
use crate::support::stand_in::{FAILING_NIX, StandIns};

/// Runs on disks of these sizes, up to a size at which only the build of the guest fails. Asserts that the disk was
/// full at each of these steps.
#[track_caller]
fn assert_each_step_is_reported(sizes: impl Iterator<Item = String>, steps: &[&'static str]) {
    let nix = StandIns::new().script("nix", FAILING_NIX);
    let project = Project::with_nix(
        r#"{ jobs.a.command = "true"; jobs.b = { command = "true"; needs = [ "a" ]; }; jobs.c.command = "true"; }"#,
    );
    let mut reached = BTreeSet::new();
    for size in sizes {
        let disk = Disk::new(&size);
        let ended = disk.pikaci(Some(&nix), &project, &["run"]);
        let full = assert_reported(&disk, Some(&nix), &project, &ended, &size);
        let step = steps.iter().find(|step| full.contains(**step));
        let is_new = reached.insert(*step.unwrap_or_else(|| panic!("{size}: {full}")));
        if is_new && reached.len() % 4 == 1 {
            // On a larger disk the run gets as far as it can here, and makes the lost files again.
            let again = disk.pikaci(Some(&nix), &project, &["run"]).exits(101);
            assert!(again.stdout.contains("nix build failed"), "{size}: {}", again.stdout);
        }
        disk.pikaci(Some(&nix), &project, &["gc", "--keep-runs=0"]).exits(0);
        let left = ran(Command::new("find").arg(disk.state()).args(["-name", ".tmp-*"])).exits(0).stdout;
        assert_eq!((disk.runs(), left), (Vec::new(), String::new()), "{size}");
    }
    assert_eq!(reached, steps.iter().copied().collect(), "the disk was full at each of these");
}

#[test]
fn a_disk_without_free_inodes_is_reported_at_each_step() {
    assert_each_step_is_reported(
        (2..31).map(|files| format!("size=100m,nr_inodes={files}")),
        &[
            "/.gitignore: ",
            "/CACHEDIR.TAG: ",
            "/version: ",
            "/locks/gc: ",
            "/locks/snapshots: ",
            "/snapshots: ",
            "making a folder in ",
            "copying pikaci.nix to ",
            "/indexes: ",
            ".seal: ",
            "writing the index of the source tree: ",
            "/host.json: ",
            "/runs: ",
            "/plan.json: ",
            "/events.jsonl: ",
            "/run.json: ",
            "/jobs: ",
            "/lock: ",
            "/locks/flake-",
            "the runner flake: ",
            "making /",
        ],
    );
}

#[test]
fn a_disk_without_free_space_is_reported_at_each_step() {
    assert_each_step_is_reported(
        (1..18).map(|pages| format!("size={}k,nr_inodes=10000", 4 * pages)),
        &[
            "/CACHEDIR.TAG: ",
            "/version: ",
            "copying pikaci.nix to ",
            ".seal: ",
            "writing the index of the source tree: ",
            "/host.json: ",
            "/plan.json: ",
            "/events.jsonl: ",
            "/run.json: ",
            "the runner flake: ",
        ],
    );
}
