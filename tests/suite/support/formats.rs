//! Schemas, and assertions that files match them.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::json_schema::Schema;
use crate::support::project::{Project, json};

/// Returns the printed schema of a format.
pub fn schema(of: &str) -> Value {
    let printed = Project::new("no job file").pikaci(&["schema", of]).exits(0);
    assert_eq!(printed.stderr, "");
    serde_json::from_str(&printed.stdout).unwrap()
}

pub fn events(file: &Path) -> Vec<Value> {
    fs::read_to_string(file).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[track_caller]
pub fn assert_is(schema: &Value, value: &Value) {
    if let Err(why) = Schema::new(schema).check(value) {
        panic!("{why}\n{value:#}");
    }
}

/// Asserts that every record in the folder of a run matches its schema.
#[track_caller]
pub fn assert_formats(run: &Path, jobs: &[PathBuf]) {
    let of_events = schema("events");
    for event in events(&run.join("events.jsonl")) {
        assert_is(&of_events, &event);
    }
    assert_is(&schema("plan"), &json(&run.join("plan.json")));
    assert_is(&schema("run"), &json(&run.join("run.json")));
    let of_job = schema("job");
    for job in jobs {
        assert_is(&of_job, &json(job));
    }
}
