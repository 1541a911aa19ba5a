//! Git settings of a project that name programs: pikaci runs none of them.

use std::fs;
use std::process::Command;

use crate::support::trap::{Trap, succeeds};

#[test]
fn settings_of_a_repository_run_nothing() {
    let trap = Trap::new();
    let project = trap.project.file("odd.x", "x\n").committed();
    let trap = Trap { project, outside: trap.outside };
    trap.set("");
    trap.holds(succeeds);
}

#[test]
fn settings_of_a_nested_repository_run_nothing() {
    let trap = Trap::new();
    let project = trap.project.file("inner/file", "inner\n");
    let inner = project.path("inner");
    for args in [&["init", "--quiet"][..], &["add", "--all"], &["commit", "--quiet", "--message=inner"]] {
        let identity = ["-c", "user.name=test", "-c", "user.email=test@example.invalid"];
        assert!(Command::new("git").args(identity).args(args).current_dir(&inner).status().unwrap().success());
    }
    let trap = Trap { project: project.committed(), outside: trap.outside };
    trap.set("inner");
    fs::write(trap.project.path("inner/file"), "changed\n").unwrap();
    // A change in the nested repository still counts.
    let plan = trap.project.pikaci(&["plan", "--format=json"]).exits(0).stdout;
    assert!(plan.contains("execute:a"), "{plan}");
    trap.holds(succeeds);
}
