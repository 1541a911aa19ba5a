//! A guest that waits for the host before it starts its job.

use std::path::Path;

use pikaci::execute::observed::EndCause;
use pikaci::plan::record::Deadlines;

use crate::support::diskless::boot;
use crate::support::project::Project;

#[test]
fn a_waiting_guest_continues_only_after_a_line_of_the_host() {
    let project = Project::with_guests(r#"{ jobs.a.command = "true"; }"#);
    project.pikaci(&["run"]).exits(0);
    let runner = project.record().prepares[0].runner.clone().unwrap();
    let boot = |cmdline| {
        let deadlines = Deadlines { boot_secs: 60, job_secs: 4, collect_secs: 60 };
        boot(Path::new(&runner), cmdline, deadlines).0.observed
    };
    let answered = boot("quiet pikaci.wait");
    // The guest has no request, which it detects only after it continued.
    assert!(answered.ready && answered.error.is_some(), "{answered:?}");
    // The agent waits at this word too, but the host doesn't recognize it and sends no line.
    let alone = boot("quiet pikaci.wait=1");
    assert!(alone.ready && alone.error.is_none(), "{alone:?}");
    assert_eq!(alone.cause, Some(EndCause::JobDeadline(4)));
}
