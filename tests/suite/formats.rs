//! What is recorded, held against the schemas that pikaci prints of it.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::json_schema::Schema;
use crate::project::{Project, json};

/// What the schemas are of.
const KINDS: [&str; 4] = ["events", "plan", "run", "job"];

/// Returns what pikaci prints of a format.
pub fn schema(of: &str) -> Value {
    let printed = Project::new("no job file").pikaci(&["schema", of]).exits(0);
    assert_eq!(printed.stderr, "");
    serde_json::from_str(&printed.stdout).unwrap()
}

/// Returns a folder of records that earlier versions of pikaci left.
fn frozen() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/records/1")
}

fn events(file: &Path) -> Vec<Value> {
    fs::read_to_string(file).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[track_caller]
fn assert_is(schema: &Value, value: &Value) {
    if let Err(why) = Schema::new(schema).check(value) {
        panic!("{why}\n{value:#}");
    }
}

/// Asserts that everything in the folder of a run is as the schemas say.
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

#[test]
fn frozen_records_are_as_their_schemas_say() {
    let jobs = ["build", "test", "deploy"].map(|job| frozen().join(format!("{job}.json")));
    assert_formats(&frozen(), &jobs);
}

#[test]
fn every_field_is_described() {
    for kind in KINDS {
        let schema = schema(kind);
        Schema::new(&schema).assert_described();
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        assert!(schema.to_string().contains(r#""const":1"#), "{kind} names its version");
    }
}

#[test]
fn a_schema_tells_what_is_wrong() {
    let of_events = schema("events");
    let event = || events(&frozen().join("events.jsonl"))[1].clone();
    for (field, value, why) in [
        ("event", json!("job_teleported"), "is 0 of oneOf"),
        ("log_path", json!(7), "log_path: 7 isn't of type \"string\""),
        ("at", Value::Null, "at: null isn't of type"),
        ("more", json!(1), "\"more\" is in no schema"),
    ] {
        let mut event = event();
        event[field] = value;
        let told = Schema::new(&of_events).check(&event).unwrap_err();
        assert!(told.contains(why), "{told}");
    }
    let mut missing = event();
    missing.as_object_mut().unwrap().remove("node");
    assert!(Schema::new(&of_events).check(&missing).is_err());
    let mut later = json(&frozen().join("run.json"));
    later["schema_version"] = 2.into();
    let told = Schema::new(&schema("run")).check(&later).unwrap_err();
    assert_eq!(told, "schema_version: 2 isn't of const 1");
    let mut plan = json(&frozen().join("plan.json"));
    plan["nodes"][0]["prepare"]["flake_digest"] = "../..".into();
    assert!(Schema::new(&schema("plan")).check(&plan).unwrap_err().contains("isn't of pattern"));
}

#[test]
fn what_plan_prints_is_a_plan() {
    let project = Project::new(r#"{ jobs.one = { command = "true"; env.A = "b"; artifacts = [ "*" ]; }; }"#);
    let plan: Value = serde_json::from_str(&project.pikaci(&["plan", "--format=json"]).exits(0).stdout).unwrap();
    assert_is(&schema("plan"), &plan);
    let unknown = project.pikaci(&["schema", "plans"]).exits(2);
    assert!(unknown.stderr.contains("possible values: events, plan, run, job"), "{}", unknown.stderr);
}
