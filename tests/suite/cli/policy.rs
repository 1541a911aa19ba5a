//! The operator's policy for recorded plans.

use crate::support::project::Project;

#[test]
fn a_rerun_checks_the_recorded_plan_against_the_current_policy() {
    let project = Project::without_guest(r#"a.command = "true";"#);
    project.pikaci(&["run"]).exits(0);
    let refused = project.pikaci(&["rerun", "--untrusted"]).exits(2).stderr;
    assert!(refused.contains("job a runs on the host itself (base `none`), which --untrusted"), "{refused}");
    assert_eq!(project.runs().len(), 1);
}
