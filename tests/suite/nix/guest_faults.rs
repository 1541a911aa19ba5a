//! Faults of a machine that prevent the start of a guest.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::process::Command;

use rustix::process::getuid;
use tempfile::NamedTempFile;

use crate::support::faults::{LONG, assert_errored, cannot_start, shows};
use crate::support::processes::Running;
use crate::support::project::Project;
use crate::support::stand_in::StandIns;
use crate::support::tools::{by_user, write_program};

/// The user `nobody`.
const NOBODY: u32 = 65534;

#[test]
fn no_run_starts_without_qemu() {
    let project = Project::with_nix(LONG);
    let there = ["bwrap", "git", "nix", "virtiofsd"].into_iter().fold(StandIns::new(), StandIns::own);
    let command = there.alone(project.command(&["run"]));
    let ran = Running::start(&command).ends("no QEMU").exits(69);
    assert!(ran.stderr.contains("no virtual machine can run here: there is no qemu-system-x86_64"), "{}", ran.stderr);
    assert!(
        ran.stderr.ends_with("hint: install it, on Debian: sudo apt-get install qemu-system-x86 (or -arm)\n"),
        "{}",
        ran.stderr
    );
    assert_eq!(project.runs(), [""; 0]);
}

#[test]
fn no_run_starts_with_an_unreadable_kernel() {
    for (content, reason, hint) in [
        (None, "kernel can't be read: No such file or directory", "name another image"),
        (Some("garbage"), "kernel is no Linux kernel", "name another image"),
    ] {
        let project = Project::with_nix(LONG);
        let kernel = project.path("kernel");
        if let Some(content) = content {
            fs::write(&kernel, content).unwrap();
        }
        let text = format!(r#"{{ guests.default.kernel = "{}"; jobs.a.command = "true"; }}"#, kernel.display());
        let project = project.file("pikaci.nix", &text);
        let ran = Running::start(&project.command(&["run"])).ends("unreadable kernel").exits(69);
        assert!(ran.stderr.contains(reason) && ran.stderr.contains(&format!("hint: {hint}")), "{}", ran.stderr);
        assert_eq!(project.runs(), [""; 0]);
    }
}

#[test]
fn no_run_starts_with_a_kernel_that_only_root_may_read() {
    let elsewhere = NamedTempFile::new().unwrap();
    let kernel = elsewhere.path();
    fs::set_permissions(kernel, fs::Permissions::from_mode(0o000)).unwrap();
    let text = format!(r#"{{ guests.default.kernel = "{}"; jobs.a.command = "true"; }}"#, kernel.display());
    let project = Project::with_nix(&text);
    let mut command = project.command(&["run"]);
    if getuid().is_root() {
        // A plain user must be able to reach the binary too.
        let program = project.path("pikaci");
        write_program(&program, &fs::read(command.get_program()).unwrap());
        let mut plain = Command::new(program);
        plain.args(command.get_args()).current_dir(project.path(""));
        plain.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command = by_user(NOBODY, &plain);
        chown(project.path(""), Some(NOBODY), Some(NOBODY)).unwrap();
    }
    let ran = Running::start(&command).ends("closed kernel").exits(69);
    let reason = format!("{} can't be read: Permission denied", kernel.display());
    assert!(ran.stderr.contains(&reason), "{}", ran.stderr);
    assert!(ran.stderr.ends_with(&format!("hint: sudo chmod +r {}\n", kernel.display())), "{}", ran.stderr);
    assert_eq!(project.runs(), [""; 0]);
}

#[test]
fn a_share_that_cannot_start_ends_the_job() {
    for name in ["bwrap", "virtiofsd"] {
        let (project, ran) = cannot_start(name);
        let message = "the daemon that shares \"workspace\" with the guest ended with exit code 1";
        let job = assert_errored(&project, ran, message, "pikaci logs --job sick --kind host");
        shows(&job, &format!("no room for {name}"));
    }
}
