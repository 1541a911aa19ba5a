//! Jobs that vfkit can't run: they are refused before anything starts.

use crate::support::project::Project;
use crate::support::vfkit_run::start;

#[test]
fn a_job_that_vfkit_cannot_run_is_refused_before_anything_starts() {
    let project = Project::with_nix(r#"{ jobs.a.command = "true"; }"#);
    let refused = start(&project, None).0.ends("base host").exits(69).stderr;
    let expected = "error: guest \"default\" can't run in vfkit: a guest of base `host` mounts the host's /usr, \
        and this hypervisor has no read-only shares\nhint: give it `base = \"nix\";` in pikaci.nix\n";
    assert_eq!(refused, expected);
    let missing = project.pikaci(&["run", "--hypervisor=vfkit"]).exits(69).stderr;
    assert!(
        missing.starts_with("error: no virtual machine can run here: there is no vfkit\nhint: install it, "),
        "{missing}"
    );
    assert!(project.runs().is_empty());
}
