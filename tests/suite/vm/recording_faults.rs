//! Failures of pikaci itself around a guest: the records are still completed, and the next run works.

use pikaci::event::Outcome;

use crate::support::broken_run::{
    assert_job_records_agree, assert_only_one_job_is_errored, outcomes, run_with_failpoints,
};
use crate::support::project::Project;

#[test]
fn a_panic_beside_a_running_guest_errors_only_its_job() {
    let project =
        Project::with_guests(r#"{ jobs.a.command = "sleep 2"; jobs.b = { command = "true"; needs = [ "a" ]; }; }"#);
    assert_only_one_job_is_errored(&project, "engine.phase=1*panic(lost)");
    project.pikaci(&["run"]).exits(0);
}

#[test]
fn an_attempt_folder_that_cannot_be_created_errors_only_its_job() {
    let project = Project::with_guests(
        r#"{ jobs.a.command = "true"; jobs.b = { command = "true"; needs = [ "a" ]; }; jobs.c.command = "true"; }"#,
    );
    let (ran, record) = run_with_failpoints(&project, "engine.attempt_folder=1*return(quota exceeded)", 102);
    assert_eq!(record.status.outcome(), Some(Outcome::Errored));
    assert_job_records_agree(&project, &record);
    assert_eq!(outcomes(&record), ["errored", "skipped", "passed"]);
    let message = project.job("a").exit.reason.message.unwrap();
    assert!(message.starts_with("making ") && message.ends_with("/jobs/a/attempts/1: quota exceeded"), "{message}");
    assert!(ran.stdout.contains(&message), "{}", ran.stdout);
    // The shown path and the command of the hint lead to an existing log.
    let log = project.state(project.job("a").logs.host_log_path.as_ref().unwrap());
    assert!(ran.stdout.contains(&format!("full log: {}\n", log.display())), "{}", ran.stdout);
    assert!(ran.stdout.ends_with("\nhint: pikaci logs --job a --kind host\n"), "{}", ran.stdout);
    let printed = project.pikaci(&["logs", "--job", "a", "--kind", "host"]).exits(0);
    assert_eq!(printed.stdout, format!("pikaci: {message}\n"));
    project.pikaci(&["run"]).exits(0);
}
