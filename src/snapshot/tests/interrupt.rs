//! Tests of a copy that is interrupted, each in a process of its own because a failpoint applies to a whole process.
#![cfg(feature = "failpoints")]

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::fixture::{Fixture, assert_same};
use crate::config::SnapshotGlobs;
use crate::snapshot::take;
use crate::state::StateLayout;

const SOURCE: &str = "PIKACI_TEST_SOURCE";
const STATE: &str = "PIKACI_TEST_STATE";

fn tree() -> Fixture {
    let tree = Fixture::new();
    for at in 0..20 {
        tree.write(&format!("folder{}/file", at % 7 + at), &at.to_string());
    }
    tree
}

fn run_with(tree: &Fixture, failpoints: &str) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "snapshot::tests::interrupt::take_in_a_child_process", "--nocapture"])
        .env(SOURCE, &tree.root)
        .env(STATE, tree.layout.root())
        .env("FAILPOINTS", failpoints)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Takes the snapshot in the process that the other tests start; does nothing without their variables.
#[test]
fn take_in_a_child_process() {
    if let (Some(source), Some(state)) = (env::var_os(SOURCE), env::var_os(STATE)) {
        let _scenario = fail::FailScenario::setup();
        take(&PathBuf::from(source), &StateLayout::new(state.into()), &SnapshotGlobs::default()).unwrap();
    }
}

#[test]
fn a_panic_leaves_no_files() {
    let tree = tree();
    let mut child = run_with(&tree, "snapshot.stored_entry=5*off->panic");
    assert!(!child.wait().unwrap().success());
    assert!(tree.snapshots().is_empty());
    assert!(run_with(&tree, "").wait().unwrap().success());
    assert_eq!(tree.snapshots().len(), 1);
}

#[test]
fn a_kill_leaves_no_snapshot_and_the_next_take_removes_the_leftovers() {
    let tree = tree();
    let mut child = run_with(&tree, "snapshot.stored_entry=5*off->pause");
    let has_entries = || fs::read_dir(tree.layout.snapshots()).is_ok_and(|mut entries| entries.next().is_some());
    let has_begun = (0..500).any(|_| {
        std::thread::sleep(Duration::from_millis(20));
        has_entries()
    });
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(has_begun);
    assert!(tree.snapshots().iter().all(|name| name.starts_with(".tmp-")));
    let taken = tree.take();
    assert_eq!(tree.snapshots(), [taken.copy_id().to_string()]);
    assert_same(&taken, &tree.copy(&taken));
}
