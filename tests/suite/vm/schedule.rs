//! The order of jobs, and the effect of a failure on the others.

use jiff::Timestamp;
use pikaci::event::Outcome;

use crate::support::project::Project;

#[test]
fn jobs_run_one_by_one_or_together_and_only_fail_fast_stops_others() {
    let project = Project::with_guests(r#"{ jobs.a.command = "exit 3"; jobs.b.command = "true"; }"#);

    project.pikaci(&["run", "-j1", "--fail-fast"]).exits(100);
    assert_eq!(outcomes(&project), [Outcome::Failed, Outcome::Cancelled]);
    let why = project.job("b").exit.reason.message;
    assert_eq!(why.as_deref(), Some("another job failed first (--fail-fast)"));

    project.pikaci(&["run", "-j1"]).exits(100);
    assert_eq!(outcomes(&project), [Outcome::Failed, Outcome::Passed]);
    let [(_, a_end), (b_start, _)] = times(&project);
    assert!(a_end <= b_start, "{a_end} {b_start}");

    project.pikaci(&["run", "-j2", "--keep-going"]).exits(100);
    assert_eq!(outcomes(&project), [Outcome::Failed, Outcome::Passed]);
    let [(a_start, a_end), (b_start, b_end)] = times(&project);
    assert!(a_start < b_end && b_start < a_end, "{a_start} {a_end} {b_start} {b_end}");
}

fn outcomes(project: &Project) -> [Outcome; 2] {
    ["a", "b"].map(|job| project.job(job).status.outcome().unwrap())
}

fn times(project: &Project) -> [(Timestamp, Timestamp); 2] {
    ["a", "b"].map(|id| {
        let job = project.job(id);
        (job.started_at.unwrap(), job.finished_at.unwrap())
    })
}
