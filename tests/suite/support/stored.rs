//! State folders with snapshots, flakes and GC roots.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use pikaci::id::Digest;
use pikaci::state::{self, StateLayout};
use serde_json::Value;

use crate::support::project::Project;

pub const JOB_FILE: &str = r#"{ jobs.one.command = "true"; }"#;

pub fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Runs gc and returns its JSON.
#[track_caller]
pub fn gc(project: &Project, args: &[&str]) -> Value {
    parse(&project.pikaci(&[&["gc", "--format=json"], args].concat()).exits(0).stdout)
}

/// Returns the paths that gc removed, of one kind.
pub fn removed<'a>(collected: &'a Value, kind: &str) -> Vec<&'a str> {
    let removed = collected["removed"].as_array().unwrap().iter();
    removed.filter(|removed| removed["kind"] == kind).map(|removed| removed["path"].as_str().unwrap()).collect()
}

/// Creates a project with an empty state folder.
pub fn empty() -> (Project, StateLayout) {
    let project = Project::new(JOB_FILE);
    let layout = state::open(&project.state("")).unwrap();
    (project, layout)
}

/// Stores a snapshot, a flake and a GC root with a digest.
pub fn store(state: &StateLayout, digest: &Digest) {
    for folder in [state.snapshot(digest), state.flake(digest)] {
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("file"), digest.as_str()).unwrap();
    }
    let root = state.runner("0a1b", digest);
    fs::create_dir_all(root.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink("/nix/store/none", root).unwrap();
}

/// Returns true if all three exist; panics if only some exist.
#[track_caller]
pub fn is_stored(state: &StateLayout, digest: &Digest) -> bool {
    let there = [state.snapshot(digest), state.flake(digest), state.runner("0a1b", digest)];
    let there = there.map(|path| path.symlink_metadata().is_ok());
    assert!(there.iter().all(|is_there| *is_there == there[0]), "{there:?}");
    there[0]
}
