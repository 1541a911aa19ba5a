//! The events of a run that has nothing to do.

use crate::support::project::Project;

#[test]
fn a_run_without_jobs_emits_no_event() {
    let none = Project::new("{ }").pikaci(&["run", "--format=json"]).exits(0);
    assert_eq!((none.stdout.as_str(), none.stderr.as_str()), ("", "nothing to do: pikaci.nix has no jobs\n"));
}
