//! The reference of the job file and its JSON Schema, as they are printed.

use std::collections::BTreeSet;

use pikaci::config::{self, Key, reference};
use serde_json::json;

use crate::support::formats::{assert_is, schema};
use crate::support::job_files::with_keys;
use crate::support::json_schema::Schema;
use crate::support::project::Project;

#[test]
fn the_help_of_the_job_file_has_each_key_on_lines_of_a_terminal() {
    let project = Project::new("no job file");
    let help = project.pikaci(&["help", "job-file"]).exits(0).stdout;
    for section in reference() {
        assert!(help.contains(&format!("{}\n", section.path)), "{}\n{help}", section.path);
        for Key { name, default, .. } in section.keys {
            assert!(help.contains(&format!("\n  {name}: ")), "{name}\n{help}");
            assert!(help.split_whitespace().any(|word| default.starts_with(word)), "{default}\n{help}");
        }
    }
    let long: Vec<&str> = help.lines().filter(|line| line.chars().count() > 80).collect();
    assert_eq!(long, [""; 0]);
}

#[test]
fn help_of_a_subcommand_is_that_of_its_option() {
    let project = Project::new("no job file");
    let printed = |args: &[&str]| project.pikaci(args).exits(0).stdout;
    assert_eq!(printed(&["help", "run"]), printed(&["run", "--help"]));
    assert_eq!(printed(&["help"]), printed(&["--help"]));
    let unknown = project.pikaci(&["help", "rum"]).exits(2).stderr;
    assert!(unknown.contains("'rum'"), "{unknown}");
}

#[test]
fn the_schema_of_the_job_file_accepts_each_example_and_has_the_same_keys() {
    let schema = schema("job-file");
    Schema::new(&schema).assert_described();
    for section in reference() {
        let properties = schema["$defs"][section.name]["properties"].as_object().unwrap();
        let own: BTreeSet<&str> = section.keys.iter().map(|key| key.name).collect();
        assert_eq!(properties.keys().map(String::as_str).collect::<BTreeSet<_>>(), own, "{}", section.name);
        for key in section.keys {
            let value = config::evaluate("pikaci.nix", &with_keys(section.name, key.example)).unwrap();
            assert_is(&schema, &value);
        }
    }
}

#[test]
fn the_schema_of_the_job_file_refuses_other_values() {
    let schema = schema("job-file");
    for (value, why) in [
        (json!([]), "is no object"),
        (json!({ "jobs": { "a": { "command": "true", "retry": 1 } } }), "retry: nothing may be there"),
        (json!({ "jobs": { "a": { "command": "true", "retries": 11 } } }), "isn't of maximum 10"),
        (json!({ "jobs": { "a": { "command": "true", "network": "all" } } }), "isn't of enum [\"host\"]"),
        (json!({ "jobs": { "a": { "steps": [{ "name": "s" }] } } }), "isn't of required"),
        (json!({ "targets": { "a": {} } }), "isn't of required"),
    ] {
        let refused = Schema::new(&schema).check(&value).unwrap_err();
        assert!(refused.contains(why), "{value}: {refused}");
    }
}
