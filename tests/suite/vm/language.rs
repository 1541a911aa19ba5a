//! The language of jobs in virtual machines: steps, services, folders of the host, and the example of a database.

use std::fs;
use std::path::Path;

use pikaci::event::Outcome;

use crate::support::flow::{FLOW, assert_flow};
use crate::support::project::Project;

const POSTGRES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/postgres");

#[test]
fn steps_services_and_folders_of_the_host_work_in_a_guest() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("tool"), "a tool\n").unwrap();
    let path = folder.path().display();
    let project = Project::with_guests(&format!(
        r#"{{
          guests.tools = {{ base = "host"; hostFolders = [ "{path}" ]; }};
          jobs = {{
            {FLOW}
            folder = {{ command = "cat {path}/tool; ! touch {path}/new"; guest = "tools"; }};
            kept = {{ command = "cat sub/here; echo out >out"; cache = true; artifacts = [ "out" ]; }};
            stalled = {{ command = "echo a; sleep 1000"; stall = 2; }};
          }};
        }}"#
    ))
    .file("sub/here", "here\n");
    let refused = project.pikaci(&["run"]).exits(69).stderr;
    let message = format!("error: job folder requests to see {path} of this machine (`hostFolders`)");
    assert!(refused.contains(&message) && refused.contains("--allow-host-folders"), "{refused}");
    project.pikaci(&["run", "--allow-host-folders"]).exits(100);
    assert_flow(&project);
    assert_eq!(project.job("folder").status.outcome(), Some(Outcome::Passed), "{}", project.output("folder"));
    assert!(project.output("folder").starts_with("a tool\n"));
    assert!(!folder.path().join("new").exists());
    let stalled = project.job("stalled");
    assert_eq!(stalled.status.outcome(), Some(Outcome::TimedOut));
    assert_eq!(stalled.exit.reason.message.as_deref(), Some("the job printed nothing for 2 s"));
    // The earlier result makes the guest and its build unnecessary.
    fs::remove_dir_all(project.state("runners")).unwrap();
    project.pikaci(&["run", "kept"]).exits(0);
    assert_eq!(project.job("kept").status.outcome(), Some(Outcome::Cached));
    assert_eq!(project.record().prepares[0].status.outcome(), Some(Outcome::Skipped));
    assert_eq!((project.output("kept"), project.job("kept").artifacts.artifacts), ("here\n".to_owned(), 1));
    project.pikaci(&["rerun", "latest", "kept"]).exits(0);
    assert_eq!(project.job("kept").status.outcome(), Some(Outcome::Passed));
}

#[test]
fn a_database_of_debian_serves_the_steps_of_its_job() {
    let read = |name: &str| fs::read_to_string(Path::new(POSTGRES).join(name)).unwrap();
    let files = ["programs.sh", "server.sh", "schema.sql"];
    let project =
        files.iter().fold(Project::with_guests(&read("pikaci.nix")), |project, file| project.file(file, &read(file)));
    project.pikaci(&["run"]).exits(0);
    let log = project.pikaci(&["logs", "--job=test"]).exits(0).stdout;
    assert!(log.ends_with("three books cost 30\n"), "{log}");
    let log = project.pikaci(&["logs", "--job=test", "--service=db"]).exits(0).stdout;
    assert!(log.contains("database system is ready") && log.contains("database system is shut down"), "{log}");
}
