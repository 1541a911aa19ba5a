//! A state folder that is read-only or of a later version of pikaci: no command changes it.

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

/// Runs pikaci where nothing can be written.
fn read_only(project: &Project, args: &[&str]) -> Ran {
    let pikaci = project.command(args);
    let mut bwrap = tool_command("bwrap");
    bwrap.args(["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--chdir"]).arg(project.path("."));
    ran(&mut inside(bwrap, &pikaci))
}

/// Returns every file and folder of the state with its stamps.
fn state(project: &Project) -> String {
    let mut find = Command::new("find");
    ran(find.arg(project.state("")).args(["-printf", "%p %s %T@ %C@\n"])).exits(0).stdout
}

#[test]
fn what_would_write_to_a_read_only_folder_says_so_and_what_looks_works() {
    for project in [project(), Project::with_nix("{ jobs.a.command = \"true\"; }")] {
        let is_there = project.state("").exists();
        let before = is_there.then(|| state(&project));
        let told = read_only(&project, &["run"]).exits(1).stderr;
        let error =
            format!("error: the state folder {} can't be created or written: ", project.path(".pikaci").display());
        assert!(told.starts_with(&error) && told.contains("Read-only file system"), "{told}");
        assert!(told.ends_with("\nhint: name another folder with --state-root\n"), "{told}");
        if is_there {
            let told = read_only(&project, &["gc"]).exits(1).stderr;
            assert!(told.starts_with(&error) && told.contains("\nhint: run it as the user who owns "), "{told}");
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
fn what_a_later_pikaci_made_is_left_alone_by_every_command() {
    let project = project();
    std::fs::write(project.state("version"), "2\n").unwrap();
    let before = state(&project);
    for command in ["run", "gc", "list", "status", "logs", "artifacts"] {
        let told = project.pikaci(&[command]).exits(1).stderr;
        assert!(
            told.contains(" has version \"2\", and this pikaci supports version 1\nhint: use the pikaci "),
            "{told}"
        );
    }
    assert!(project.pikaci(&["doctor"]).exits(69).stdout.contains(" has version \"2\", "));
    // They ask nothing of it.
    for command in ["check", "plan"] {
        project.pikaci(&[command]).exits(0);
    }
    assert_eq!(state(&project), before);
}
