//! Jobs in virtual machines, on a runner that Nix built.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::MetadataExt as _;

use pikaci::event::Outcome;
use rustix::process::Signal;

use crate::support::processes::{Running, START};
use crate::support::project::{Project, json};
use crate::support::stand_in::StandIns;
use crate::support::tools::{tool, with_kvm_device};

#[test]
fn jobs_run_in_order_and_are_skipped_if_a_needed_job_fails() {
    let project = Project::with_guests(
        r#"{
          jobs.first = { command = "cat greeting; echo error >&2; mkdir -p out; echo made >out/file"; artifacts = [ "out/**" ]; };
          jobs.second = { command = [ "sh" "-c" "exit 3" ]; needs = [ "first" ]; };
          jobs.third = { command = "echo never"; needs = [ "second" ]; };
        }"#,
    )
    .file("greeting", "hello\n")
    .committed();
    let ran = project.pikaci(&["run"]).exits(100);
    assert!(ran.stdout.contains("second failed: the command ended with exit code 3"), "{}", ran.stdout);
    assert!(ran.stdout.ends_with("\nhint: pikaci logs --job second\n"), "{}", ran.stdout);
    for line in ["first: started", "first: passed in ", "third: skipped: it needs second, which didn't pass"] {
        assert!(ran.stderr.lines().any(|message| message.starts_with(line)), "{}", ran.stderr);
    }
    assert!(!ran.stdout.contains('\u{1b}') && !ran.stderr.contains('\u{1b}'), "{}{}", ran.stdout, ran.stderr);
    assert_eq!(project.output("first"), "hello\nerror\n");
    let first = project.job("first");
    assert_eq!((first.status.outcome(), first.exit.exit_code), (Some(Outcome::Passed), Some(0)));
    let artifacts = project.state(&first.artifacts.artifacts_dir.unwrap());
    assert_eq!(std::fs::read_to_string(artifacts.join("out/file")).unwrap(), "made\n");
    let second = project.job("second");
    assert_eq!((second.status.outcome(), second.exit.exit_code), (Some(Outcome::Failed), Some(3)));
    assert_eq!(project.job("third").status.outcome(), Some(Outcome::Skipped));
    assert_eq!(project.record().status.outcome(), Some(Outcome::Failed));
}

#[test]
fn kvm_is_probed_once_and_a_run_passes_either_way() {
    let project = Project::with_guests(r#"{ jobs.a.command = "true"; }"#);
    let run = || {
        project.pikaci(&["run", "--accel=auto"]).exits(0);
        project.record().accelerator.unwrap()
    };
    let (first, record) = (run(), project.state("kvm.json"));
    assert!(["kvm", "tcg"].contains(&first.name.as_str()), "{first:?}");
    let inode = fs::metadata(&record).map(|file| file.ino());
    match OpenOptions::new().read(true).write(true).open("/dev/kvm") {
        Err(_) => assert!(first.name == "tcg" && inode.is_err(), "{first:?}"),
        Ok(_) => assert_eq!(json(&record)["works"], first.name == "kvm"),
    }
    assert_eq!(run(), first);
    assert_eq!(fs::metadata(&record).map(|file| file.ino()).ok(), inode.ok(), "KVM was probed again");
}

#[test]
fn a_hanging_kvm_is_given_up_soon_and_not_probed_again() {
    let project = Project::with_guests(r#"{ jobs.a.command = "true"; }"#);
    let hangs = project.path("hangs");
    let script = format!(
        r#"case "$*" in *accel=kvm*) echo $$ >>'{}'; exec sleep 1000 ;; esac
exec {} "$@""#,
        hangs.display(),
        tool("qemu-system-x86_64").display()
    );
    // The stand-in writes to a file that no jail shows.
    let instead = StandIns::new().script("qemu-system-x86_64", &script);
    let run = || with_kvm_device(&instead.before(project.command(&["run", "--accel=auto", "--jail=none"])));
    let tried = || fs::read_to_string(&hangs).unwrap_or_default().lines().count();

    // A cancelled probe has no result.
    let mut running = Running::start(&run());
    running.process("sleep");
    running.signal(Signal::INT);
    running.ends("a cancelled probe").exits(130);
    assert!(!project.state("kvm.json").exists(), "the result of a cancelled probe is cached");

    for _ in 0..2 {
        Running::start(&run()).ends_within(START, "a KVM that hangs").exits(0);
        let accelerator = project.record().accelerator.unwrap();
        assert_eq!(accelerator.name, "tcg", "{accelerator:?}");
        assert_eq!(json(&project.state("kvm.json"))["works"], false);
        assert_eq!(tried(), 2, "KVM was probed again");
    }
}
