//! Records computed from events, compared with the recorded ones.

use std::fs;
use std::path::Path;

use pikaci::id::RunId;
use pikaci::record::History;
use pikaci::state::{StateLayout, replay_run};

use crate::support::project::Project;

/// Returns the records that the events of a run give: run.json, and each status.json.
pub fn replayed(state: &Path, id: &str) -> (History, Vec<String>) {
    let history = replay_run(&StateLayout::new(state.to_owned()), &RunId::new(id)).unwrap();
    let pretty = |text: serde_json::Result<String>| text.unwrap() + "\n";
    let jobs = history.jobs.iter().map(|job| pretty(serde_json::to_string_pretty(job)));
    let files = std::iter::once(pretty(serde_json::to_string_pretty(&history.run))).chain(jobs).collect();
    (history, files)
}

/// Asserts that the records of a run that has ended are those that its events give, to the byte.
#[track_caller]
pub fn assert_folded(project: &Project, id: &str, what: &str) {
    assert_folded_in(&project.path(".pikaci"), id, what);
}

/// As [`assert_folded`], in another state folder.
#[track_caller]
pub fn assert_folded_in(state: &Path, id: &str, what: &str) {
    let (history, expected) = replayed(state, id);
    assert!(history.run.status.outcome().is_some(), "{what}");
    let statuses = history.run.jobs.iter().map(|job| state.join(&job.status_path));
    let files = std::iter::once(state.join("runs").join(id).join("run.json")).chain(statuses);
    for (path, expected) in files.zip(expected) {
        let found = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{what}: {}: {error}", path.display()));
        assert_eq!(found, expected, "{what}: {}", path.display());
    }
}
