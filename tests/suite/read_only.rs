//! A state folder that can't be written, or that a later pikaci made: who would write says so before it begins, nothing
//! changes, and who only looks does so where that means something.

use std::process::Command;

use crate::project::{Project, Ran, ran};
use crate::records::Run;

fn project() -> Project {
    let project = Project::new("{ jobs.a.command = \"true\"; }");
    pikaci::state::open(&project.state("")).unwrap();
    Run::passed(&project, "1");
    project
}

/// Runs pikaci where nothing can be written.
fn read_only(project: &Project, args: &[&str]) -> Ran {
    let pikaci = project.command(args);
    let mut bwrap = Command::new("bwrap");
    bwrap.args(["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--chdir"]).arg(project.path("."));
    bwrap.envs(pikaci.get_envs().filter_map(|(name, value)| Some((name, value?))));
    ran(bwrap.arg(pikaci.get_program()).args(pikaci.get_args()))
}

/// Returns every file and folder of the state with its stamps.
fn state(project: &Project) -> String {
    let mut find = Command::new("find");
    ran(find.arg(project.state("")).args(["-printf", "%p %s %T@ %C@\n"])).exits(0).stdout
}

#[test]
fn what_would_write_to_a_read_only_folder_says_so_and_what_looks_works() {
    for project in [project(), Project::new("{ jobs.a.command = \"true\"; }")] {
        let is_there = project.state("").exists();
        let before = is_there.then(|| state(&project));
        let told = read_only(&project, &["run"]).exits(1).stderr;
        let error = format!("error: the state folder {} can't be made or written: ", project.path(".pikaci").display());
        assert!(told.starts_with(&error) && told.contains("Read-only file system"), "{told}");
        assert!(told.ends_with("\nhint: name another folder with --state-root\n"), "{told}");
        if is_there {
            let told = read_only(&project, &["gc"]).exits(1).stderr;
            assert!(told.starts_with(&error) && told.contains("\nhint: be the user that "), "{told}");
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
        assert!(told.contains(" has version \"2\", and this pikaci knows version 1\nhint: use the pikaci "), "{told}");
    }
    assert!(project.pikaci(&["doctor"]).exits(69).stdout.contains(" has version \"2\", "));
    // They ask nothing of it.
    for command in ["check", "plan"] {
        project.pikaci(&[command]).exits(0);
    }
    assert_eq!(state(&project), before);
}
