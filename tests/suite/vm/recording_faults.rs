//! Failures of pikaci itself around a guest: the records are completed all the same, and the next run works.

use pikaci::event::Outcome;

use crate::support::broken_run::{broken, job_records_agree, outcomes, panics};
use crate::support::project::Project;

#[test]
fn a_node_whose_guest_runs_panics_alone() {
    let project =
        Project::with_guests(r#"{ jobs.a.command = "sleep 2"; jobs.b = { command = "true"; needs = [ "a" ]; }; }"#);
    panics(&project, "engine.phase=1*panic(lost)");
    project.pikaci(&["run"]).exits(0);
}

#[test]
fn a_folder_of_an_attempt_that_cannot_be_made_is_the_jobs_fault_alone() {
    let project = Project::with_guests(
        r#"{ jobs.a.command = "true"; jobs.b = { command = "true"; needs = [ "a" ]; }; jobs.c.command = "true"; }"#,
    );
    let (ran, record) = broken(&project, "engine.attempt_folder=1*return(quota exceeded)", 102);
    assert_eq!(record.status.outcome(), Some(Outcome::Errored));
    job_records_agree(&project, &record);
    assert_eq!(outcomes(&record), ["errored", "skipped", "passed"]);
    let message = project.job("a").exit.reason.message.unwrap();
    assert!(message.starts_with("making ") && message.ends_with("/jobs/a/attempts/1: quota exceeded"), "{message}");
    assert!(ran.stdout.contains(&message), "{}", ran.stdout);
    // What is shown and what is said to type lead to a log that is there.
    let log = project.state(project.job("a").logs.host_log_path.as_ref().unwrap());
    assert!(ran.stdout.contains(&format!("full log: {}\n", log.display())), "{}", ran.stdout);
    assert!(ran.stdout.ends_with("\nhint: pikaci logs --job a --kind host\n"), "{}", ran.stdout);
    let told = project.pikaci(&["logs", "--job", "a", "--kind", "host"]).exits(0);
    assert_eq!(told.stdout, format!("pikaci: {message}\n"));
    project.pikaci(&["run"]).exits(0);
}
