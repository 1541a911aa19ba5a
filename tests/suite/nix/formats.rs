//! The plan that `pikaci plan` prints, compared with its schema.

use serde_json::Value;

use crate::support::formats::{assert_is, schema};
use crate::support::project::Project;

#[test]
fn the_output_of_plan_matches_its_schema() {
    let project = Project::with_nix(r#"{ jobs.one = { command = "true"; env.A = "b"; artifacts = [ "*" ]; }; }"#);
    let plan: Value = serde_json::from_str(&project.pikaci(&["plan", "--format=json"]).exits(0).stdout).unwrap();
    assert_is(&schema("plan"), &plan);
    let unknown = project.pikaci(&["schema", "plans"]).exits(2);
    assert!(unknown.stderr.contains("possible values: events, plan, run, job"), "{}", unknown.stderr);
}
