//! The events of a run that has nothing to do.

use crate::support::project::Project;

#[test]
fn nothing_to_do_is_no_event() {
    let none = Project::new("{ }").pikaci(&["run", "--format=json"]).exits(0);
    assert_eq!((none.stdout.as_str(), none.stderr.as_str()), ("", "nothing to do: pikaci.nix has no jobs\n"));
}
