//! The deadline of a build.

use pikaci::event::Outcome;

use crate::support::project::{Project, ran};
use crate::support::stand_in::StandIns;
use crate::support::tools::nix;

#[test]
fn a_build_beyond_its_deadline_is_stopped_and_reported() {
    let project = Project::with_nix(r#"{ guests.default.prepareTimeout = 1; jobs.a.command = "true"; }"#);
    let script = format!("[ \"$1\" = build ] || exec {} \"$@\"\necho building; sleep 600", nix("oldest").display());
    let slow = StandIns::new().script("nix", &script);
    let ended = ran(&mut slow.before(project.command(&["run"]))).exits(101);
    let record = project.record();
    let prepare = &record.prepares[0];
    assert_eq!(prepare.status.outcome(), Some(Outcome::TimedOut));
    assert_eq!(prepare.reason.message.as_deref(), Some("nix build took longer than 1 s"));
    assert_eq!(prepare.reason.evidence.last().map(String::as_str), Some("building"));
    assert_eq!(record.status.outcome(), Some(Outcome::Errored));
    assert_eq!(record.jobs[0].status.outcome(), Some(Outcome::Skipped));
    assert!(ended.stdout.contains("hint: raise the guest's `prepareTimeout` in pikaci.nix"), "{}", ended.stdout);
}
