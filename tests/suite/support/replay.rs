//! Records computed from events, compared with the recorded ones.

use std::fs;
use std::path::Path;

use pikaci::id::RunId;
use pikaci::record::History;
use pikaci::state::{StateLayout, replay_run};

use crate::support::project::Project;

/// Returns the records that follow from the events of a run: run.json, and each status.json.
pub fn replayed(state: &Path, id: &str) -> (History, Vec<String>) {
    let history = replay_run(&StateLayout::new(state.to_owned()), &RunId::new(id)).unwrap();
    let pretty = |text: serde_json::Result<String>| text.unwrap() + "\n";
    let jobs = history.jobs.iter().map(|job| pretty(serde_json::to_string_pretty(job)));
    let files = std::iter::once(pretty(serde_json::to_string_pretty(&history.run))).chain(jobs).collect();
    (history, files)
}

/// Asserts that the records of a finished run are those that follow from its events, byte for byte.
#[track_caller]
pub fn assert_folded(project: &Project, id: &str, label: &str) {
    assert_folded_in(&project.path(".pikaci"), id, label);
}

/// Does the same as [`assert_folded`], in another state folder.
#[track_caller]
pub fn assert_folded_in(state: &Path, id: &str, label: &str) {
    let (history, expected) = replayed(state, id);
    assert!(history.run.status.outcome().is_some(), "{label}");
    let statuses = history.run.jobs.iter().map(|job| state.join(&job.status_path));
    let files = std::iter::once(state.join("runs").join(id).join("run.json")).chain(statuses);
    for (path, expected) in files.zip(expected) {
        let recorded = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{label}: {}: {error}", path.display()));
        assert_eq!(recorded, expected, "{label}: {}", path.display());
    }
}
