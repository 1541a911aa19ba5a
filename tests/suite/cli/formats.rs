//! Recorded files, compared with the schemas that `pikaci schema` prints.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::formats::{assert_formats, events, schema};
use crate::support::json_schema::Schema;
use crate::support::project::json;

/// The formats that have a schema.
const KINDS: [&str; 4] = ["events", "plan", "run", "job"];

/// Returns a folder of records of earlier versions.
fn frozen() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/records/1")
}

#[test]
fn frozen_records_match_their_schemas() {
    let jobs = ["build", "test", "deploy"].map(|job| frozen().join(format!("{job}.json")));
    assert_formats(&frozen(), &jobs);
}

#[test]
fn every_field_of_a_schema_has_a_description() {
    for kind in KINDS {
        let schema = schema(kind);
        Schema::new(&schema).assert_described();
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        assert!(schema.to_string().contains(r#""const":1"#), "{kind} names its version");
    }
}

#[test]
fn a_value_that_violates_a_schema_is_an_error() {
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
        let error = Schema::new(&of_events).check(&event).unwrap_err();
        assert!(error.contains(why), "{error}");
    }
    let mut missing = event();
    missing.as_object_mut().unwrap().remove("node");
    assert!(Schema::new(&of_events).check(&missing).is_err());
    let mut later = json(&frozen().join("run.json"));
    later["schema_version"] = 2.into();
    let error = Schema::new(&schema("run")).check(&later).unwrap_err();
    assert_eq!(error, "schema_version: 2 isn't of const 1");
    let mut plan = json(&frozen().join("plan.json"));
    plan["nodes"][0]["prepare"]["flake_digest"] = "../..".into();
    assert!(Schema::new(&schema("plan")).check(&plan).unwrap_err().contains("isn't of pattern"));
}
