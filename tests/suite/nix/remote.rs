//! The builders that a run passes to Nix.

use std::fs;

use crate::support::project::{Project, ran};
use crate::support::stand_in::{FAILING_NIX, StandIns};

#[test]
fn builders_are_passed_on_unchanged_or_not_at_all() {
    let project = Project::with_nix(r#"{ jobs.a = { command = "true"; }; }"#);
    let programs = StandIns::new().script("nix", &format!("[ \"$1\" != build ] || echo \"called: $*\"\n{FAILING_NIX}"));
    let build = |given: Option<&str>| {
        let mut command = programs.before(project.command(&["run"]));
        ran(command.envs(given.map(|builders| ("PIKACI_BUILDERS", builders)))).exits(101);
        let log = project.state(&project.record().prepares[0].log_path.clone().unwrap());
        let log = fs::read_to_string(log).unwrap();
        log.lines().find_map(|line| line.strip_prefix("called: ")).unwrap().to_owned()
    };
    let configured = build(None);
    assert!(configured.starts_with("build ") && !configured.contains("builders"), "{configured}");
    let given = build(Some("ssh-ng://one - - 2 ; @/two"));
    assert_eq!(given.replace(" --builders ssh-ng://one - - 2 ; @/two", ""), configured);
    assert_ne!(given, configured);
}
