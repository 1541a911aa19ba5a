//! A state folder that is read-only, or of a later version of pikaci: no command changes it.

use std::process::Command;

use crate::support::project::{Project, Ran, ran};
use crate::support::records::Run;
use crate::support::tools::{inside, tool_command};

fn project() -> Project {
    let project = Project::with_nix("{ jobs.a.command = \"true\"; }");
    pikaci::state::open(&project.state("")).unwrap();
    Run::passed(&project, "1");
    project
}

/// Runs pikaci on a read-only file system.
fn read_only(project: &Project, args: &[&str]) -> Ran {
    let pikaci = project.command(args);
    let mut bwrap = tool_command("bwrap");
    bwrap.args(["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--chdir"]).arg(project.path("."));
    ran(&mut inside(bwrap, &pikaci))
}

/// Returns every file and folder of the state folder with its stamps.
fn state(project: &Project) -> String {
    let mut find = Command::new("find");
    ran(find.arg(project.state("")).args(["-printf", "%p %s %T@ %C@\n"])).exits(0).stdout
}

#[test]
fn commands_that_only_read_work_in_a_read_only_state_folder() {
    for project in [project(), Project::with_nix("{ jobs.a.command = \"true\"; }")] {
        let is_there = project.state("").exists();
        let before = is_there.then(|| state(&project));
        let message = read_only(&project, &["run"]).exits(1).stderr;
        let error =
            format!("error: the state folder {} can't be created or written: ", project.path(".pikaci").display());
        assert!(message.starts_with(&error) && message.contains("Read-only file system"), "{message}");
        assert!(message.ends_with("\nhint: name another folder with --state-root\n"), "{message}");
        if is_there {
            let message = read_only(&project, &["gc"]).exits(1).stderr;
            assert!(
                message.starts_with(&error) && message.contains("\nhint: run it as the user who owns "),
                "{message}"
            );
        }
        let doctor = read_only(&project, &["doctor"]).exits(69).stdout;
        assert!(doctor.contains("\nproblem  state ") && doctor.contains("Read-only file system"), "{doctor}");
        for looks in [&["plan"][..], &["check"], &["list"], &["gc", "--dry-run"]] {
            read_only(&project, looks).exits(0);
        }
        assert_eq!(project.state("").exists().then(|| state(&project)), before);
    }
}

#[test]
fn every_command_leaves_a_state_folder_of_a_later_version_unchanged() {
    let project = project();
    std::fs::write(project.state("version"), "2\n").unwrap();
    let before = state(&project);
    for command in ["run", "gc", "list", "status", "logs", "artifacts"] {
        let message = project.pikaci(&[command]).exits(1).stderr;
        assert!(
            message.contains(" has version \"2\", and this pikaci supports version 1\nhint: use the pikaci "),
            "{message}"
        );
    }
    assert!(project.pikaci(&["doctor"]).exits(69).stdout.contains(" has version \"2\", "));
    // These commands don't use the state folder.
    for command in ["check", "plan"] {
        project.pikaci(&[command]).exits(0);
    }
    assert_eq!(state(&project), before);
}
