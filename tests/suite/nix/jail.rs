//! The jail on a machine without namespaces.

use crate::support::project::{Project, ran};
use crate::support::stand_in::StandIns;

#[test]
fn landlock_is_a_warning_and_only_consent_removes_the_jail() {
    let project = Project::with_nix(r#"{ jobs.one.command = "true"; }"#);
    let broken = StandIns::new().script("bwrap", "echo no namespaces >&2; exit 1");
    let refused = ran(&mut broken.before(project.command(&["run", "--jail=bwrap"]))).exits(69).stderr;
    let error =
        "error: no virtual machine can run here: bubblewrap can't confine QEMU: no namespaces\nhint: let users ";
    assert!(refused.starts_with(error) && refused.ends_with("--jail=none\n"), "{refused}");
    let refused = ran(&mut broken.before(project.command(&["run"]))).exits(69).stderr;
    assert!(refused.contains("/bwrap doesn't work here: no namespaces\nhint: let users "), "{refused}");
    assert!(project.runs().is_empty());
    for (args, finding) in [
        (&["doctor"][..], "\nok       jail       bubblewrap gives QEMU namespaces of its own"),
        (&["doctor", "--jail=none"], "\nwarning  jail       QEMU isn't confined, as requested"),
        (&["doctor", "--jail=landlock"], "\nwarning  jail       Landlock keeps QEMU from your files, but"),
    ] {
        let doctor = project.pikaci(args).exits(0).stdout;
        assert!(doctor.contains(finding), "{doctor}");
    }
    let doctor = ran(&mut broken.before(project.command(&["doctor"]))).exits(69).stdout;
    assert!(doctor.contains("\nwarning  jail       Landlock keeps QEMU from your files; bubblewrap, "), "{doctor}");
}
