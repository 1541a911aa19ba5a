//! Exit codes. That of a failed build (101) is in `prepare`, those of broken guests (102) and of signals are elsewhere.

use crate::project::{Project, Ran, ran};
use crate::stand_in::StandIns;

const JOB_FILE: &str = r#"{ jobs.one = { command = "true"; }; }"#;

#[test]
fn where_there_is_nothing_to_do_it_is_0() {
    let project = Project::new("{ }");
    let ran = project.pikaci(&["run"]).exits(0);
    assert_eq!(ran.stderr, "nothing to do: pikaci.nix has no jobs\n");
    for args in [&["--help"][..], &["--version"], &["check"], &["plan"]] {
        project.pikaci(args).exits(0);
    }
}

#[test]
fn a_wrong_command_line_or_job_file_is_2() {
    let project = Project::new(JOB_FILE);
    for args in [
        &["run", "--no-such-option"][..],
        &["no-such-command"],
        &[],
        &["run", "--jobs", "0"],
        &["plan", "--all", "--base", "HEAD"],
    ] {
        let ran = project.pikaci(args).exits(2);
        assert!(ran.stdout.is_empty() && !ran.stderr.is_empty(), "{args:?}: {ran:?}");
    }
    let project = project.file("pikaci.nix", "{ jobs.one = { comand = \"true\"; }; }");
    for command in ["check", "plan", "run"] {
        let ran = project.pikaci(&[command]).exits(2);
        assert!(ran.stderr.contains("pikaci.nix:1") && ran.stderr.contains("did you mean"), "{}", ran.stderr);
    }
    let empty = tempfile::tempdir().unwrap();
    let elsewhere = project.pikaci(&["run", "-C", empty.path().to_str().unwrap()]).exits(2);
    assert!(elsewhere.stderr.contains("has a pikaci.nix\nhint: "), "{}", elsewhere.stderr);
    assert!(!project.state("").exists(), "nothing was begun");
}

#[test]
fn where_no_machine_can_run_it_is_69_and_says_what_to_install() {
    let project = Project::new(JOB_FILE);
    // virtiofsd is also found where packages put it.
    let programs = ["qemu-system-x86_64", "bwrap", "nix"];
    for missing in programs {
        let mut there = StandIns::new().own("git");
        for program in programs.into_iter().filter(|program| *program != missing) {
            there = there.own(program);
        }
        let ran = ran(&mut there.alone(project.command(&["run"]))).exits(69);
        let error = format!("error: no virtual machine can run here: there is no {missing}\nhint: install it");
        assert!(ran.stderr.starts_with(&error), "{}", ran.stderr);
    }
    assert_eq!(project.runs(), [""; 0]);
}

#[test]
fn a_kernel_that_cannot_be_read_is_69() {
    let with = |kernel: &str| {
        Project::new(&format!("{{ guests.default.kernel = \"{kernel}\"; jobs.one = {{ command = \"true\"; }}; }}"))
    };
    let asserted = |ran: Ran, what: &str| {
        assert!(ran.stderr.contains(what) && ran.stderr.contains("\nhint: "), "{}", ran.stderr);
    };
    for command in ["plan", "run"] {
        asserted(with("/no/such/kernel").pikaci(&[command]).exits(69), "/no/such/kernel can't be read: No such file");
        asserted(with("/etc/passwd").pikaci(&[command]).exits(69), "/etc/passwd is no Linux kernel");
        asserted(with("/dev/null").pikaci(&[command]).exits(69), "/dev/null can't be read: not a regular file");
    }
}

#[test]
fn more_memory_than_there_is_is_69() {
    let project = Project::new(r#"{ guests.default.memory = "4000G"; jobs.one = { command = "true"; }; }"#);
    let ran = project.pikaci(&["run"]).exits(69);
    assert!(ran.stderr.ends_with("hint: lower the guest's `memory` in pikaci.nix\n"), "{}", ran.stderr);
}
