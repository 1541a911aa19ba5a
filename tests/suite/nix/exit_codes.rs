//! Exit codes of commands on an unfit machine.

use crate::support::project::{Project, Ran, ran};
use crate::support::stand_in::StandIns;
use crate::support::tools::{inside, tool_command};

const JOB_FILE: &str = r#"{ jobs.one = { command = "true"; }; }"#;

#[test]
fn an_unreadable_source_tree_has_a_remedy() {
    let broken = Project::with_nix(JOB_FILE).committed();
    std::fs::write(broken.path(".git/index"), "no index").unwrap();
    let ended = broken.pikaci(&["plan"]).exits(1);
    let hint = format!("\nhint: read the message of git: git -C {} status\n", broken.path("").display());
    assert!(ended.stderr.ends_with(&hint.replace("/ status", " status")), "{}", ended.stderr);

    let large = Project::with_nix(JOB_FILE).file("large", &"x".repeat(5 << 20)).file("disk/.keep", "");
    let pikaci = large.command(&["run", "--state-root=disk/state"]);
    let mut bwrap = tool_command("bwrap");
    bwrap.args(["--dev-bind", "/", "/", "--size", "1048576", "--tmpfs"]).arg(large.path("disk"));
    let ran = ran(&mut inside(bwrap, &pikaci)).exits(1);
    assert!(ran.stderr.contains("No space left") && ran.stderr.contains("\nhint: make room in "), "{}", ran.stderr);
}

#[test]
fn a_machine_without_programs_exits_with_69_and_names_them() {
    let project = Project::with_nix(JOB_FILE);
    // virtiofsd is also searched in the folders of packages.
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
fn an_old_virtiofsd_exits_with_69() {
    let project = Project::with_nix(JOB_FILE);
    let old = StandIns::new().script("virtiofsd", "echo virtiofsd 1.10.1");
    let ran = ran(&mut old.before(project.command(&["run"]))).exits(69);
    let error = "/virtiofsd is version 1.10.1, and virtiofsd 1.13 or newer is needed\nhint: install it";
    assert!(ran.stderr.contains(error), "{}", ran.stderr);
}

#[test]
fn an_unreadable_kernel_exits_with_69() {
    let with = |kernel: &str| {
        Project::with_nix(&format!("{{ guests.default.kernel = \"{kernel}\"; jobs.one = {{ command = \"true\"; }}; }}"))
    };
    let asserted = |ran: Ran, problem: &str| {
        assert!(ran.stderr.contains(problem) && ran.stderr.contains("\nhint: "), "{}", ran.stderr);
    };
    for command in ["plan", "run"] {
        asserted(with("/no/such/kernel").pikaci(&[command]).exits(69), "/no/such/kernel can't be read: No such file");
        asserted(with("/etc/passwd").pikaci(&[command]).exits(69), "/etc/passwd is no Linux kernel");
        asserted(with("/dev/null").pikaci(&[command]).exits(69), "/dev/null can't be read: not a regular file");
    }
}

#[test]
fn a_guest_larger_than_the_memory_exits_with_69() {
    let project = Project::with_nix(r#"{ guests.default.memory = "4000G"; jobs.one = { command = "true"; }; }"#);
    let ran = project.pikaci(&["run"]).exits(69);
    assert!(ran.stderr.ends_with("hint: lower the guest's `memory` in pikaci.nix\n"), "{}", ran.stderr);
}
