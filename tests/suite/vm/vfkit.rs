//! Jobs in the stand-in for vfkit, in guests of base `nix` with a store on a disk.

use std::fs;
use std::time::Duration;

use pikaci::event::Outcome;
use rustix::process::Signal;
use serde_json::Value;

use crate::support::processes::{Running, START};
use crate::support::project::Project;
use crate::support::stand_in::StandIns;
use crate::support::vfkit_run::{project, stand_in, start};

/// The longest time until a vfkit that hangs has ended: it is killed after 12 s.
const KILLED: Duration = Duration::from_secs(20);

#[test]
fn a_vfkit_without_the_flags_of_a_kernel_boots_by_its_bootloader() {
    let later = format!(
        "case \"$*\" in\n--help) echo '  -b, --bootloader strings' ;;\n*--kernel*) exit 1 ;;\n*) exec '{}' \"$@\" ;;\nesac",
        env!("CARGO_BIN_EXE_vfkit-on-qemu")
    );
    let project = project("jobs.a.command = \"echo booted\";");
    let stand_in = StandIns::new().script("vfkit", &later);
    let run = Running::start(&stand_in.before(project.command(&["run", "--hypervisor=vfkit"])));
    run.ends_within(START, "a job").exits(0);
    assert_eq!(project.output("a"), "booted\n");
}

#[test]
fn jobs_pass_fail_and_time_out() {
    let jobs = r#"
      guests.large = { base = "nix"; packages = [ "hello" ]; disk = "2G"; };
      jobs.passes = {
        guest = "large";
        command = ''
          hello && cat greeting && echo changed >greeting && mkdir out && cp greeting out
          id -un; ls /dev/hvc2
          ! touch /nix/store/x 2>/dev/null && grep -E ' (/nix/store|/tmp) ' /proc/mounts
        '';
        artifacts = [ "out/*" ];
      };
      jobs.fails.command = "exit 3";
      jobs.slow = { command = "sleep 600"; timeout = "1s"; };
      jobs.online = { command = "cat /sys/class/net/eth0/address; ip addr show eth0 | grep -o 'inet [0-9.]*'"; network = true; };
    "#;
    let project = project(jobs).file("greeting", "hi\n");
    let ran = start(&project, None).0.ends_within(START, "four jobs").exits(100);
    let outcome = |job: &str| project.job(job).status.outcome();
    assert_eq!(outcome("passes"), Some(Outcome::Passed), "{}", ran.stdout);
    let output = project.output("passes");
    let expected = ["Hello, world!", "hi", "job", "/dev/hvc2", "/dev/vdd /tmp ext4 rw", "/dev/vdc /nix/store erofs ro"];
    assert!(output.lines().zip(expected).all(|(line, expected)| line.starts_with(expected)), "{output}");
    assert!(!output.contains('\r'), "{output:?}");
    assert_eq!(fs::read_to_string(project.path("greeting")).unwrap(), "hi\n");
    let artifacts = project.state(&project.job("passes").artifacts.artifacts_dir.unwrap());
    assert_eq!(fs::read_to_string(artifacts.join("out/greeting")).unwrap(), "changed\n");
    assert_eq!((outcome("fails"), project.job("fails").exit.exit_code), (Some(Outcome::Failed), Some(3)));
    assert_eq!(outcome("slow"), Some(Outcome::TimedOut));
    let online = project.output("online");
    assert!(online.starts_with("5a:70:69:6b:00:00\ninet 10.0.2."), "{online}");
    let plan: Value = serde_json::from_str(&planned(&project)).unwrap();
    let requirements: Vec<&str> =
        plan["preconditions"].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
    assert_eq!(requirements, ["nix 2.26 or newer", "vfkit 0.6 or newer"]);
    // Only the created files of a guest remain.
    let attempt = project.last_run().join("jobs/passes/attempts/1");
    let mut names: Vec<_> = fs::read_dir(attempt).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["artifacts", "console.log", "guest.log", "host.log", "manifest.json"]);
}

fn planned(project: &Project) -> String {
    project.pikaci(&["plan", "--hypervisor=vfkit", "--format=json"]).exits(0).stdout
}

#[test]
fn a_panic_ends_the_job_at_once_without_a_restart() {
    let jobs = r#"
      jobs.panics = { command = "echo once; sleep 1; echo c >/proc/sysrq-trigger; sleep 600"; runAsRoot = true; };
      jobs.resets = { command = "echo once; sleep 1; echo b >/proc/sysrq-trigger; sleep 600"; runAsRoot = true; };
    "#;
    let project = project(jobs);
    start(&project, None).0.ends_within(START, "a panic and a reset").exits(102);
    for (job, message) in
        [("panics", "the guest's kernel panicked while the job ran"), ("resets", "the guest restarted by itself")]
    {
        assert_eq!(project.job(job).exit.reason.message.as_deref(), Some(message));
        assert_eq!(project.output(job), "once\n");
    }
}

#[test]
fn a_signal_ends_the_guest_even_if_vfkit_hangs() {
    let project = project(r#"jobs.a-long.command = "echo started; sleep 600";"#);
    for (hang, within) in [(None, crate::support::processes::END), (Some("stop"), KILLED)] {
        let (mut running, _stand_in) = start(&project, hang);
        running.prints(&project, "a-long", "started");
        for program in ["vfkit-on-qemu", "qemu-system-x86_64", "virtiofsd"] {
            running.process(program);
        }
        running.signal(Signal::INT);
        running.ends_within(within, "vfkit").exits(130);
        assert_eq!(project.job("a-long").status.outcome(), Some(Outcome::Cancelled));
    }
}

#[test]
fn a_vfkit_that_hangs_after_its_guest_changes_no_outcome() {
    let project = project(r#"jobs.a.command = "echo done";"#);
    start(&project, Some("poweroff")).0.ends_within(START, "a vfkit that hangs").exits(0);
    assert_eq!(project.output("a"), "done\n");
}

#[test]
fn a_project_may_have_a_path_that_vfkit_refuses() {
    let project = project(r#"jobs.a.command = "cat greeting";"#).file("greeting", "hi\n");
    let odd = project.path("a, b=\"c\"");
    let stand_in = stand_in();
    let mut command = stand_in.before(project.command(&["run", "--hypervisor=vfkit", "--state-root"]));
    command.arg(&odd);
    Running::start(&command).ends_within(START, "a comma in a path").exits(0);
    let runs = fs::read_dir(odd.join("runs")).unwrap().next().unwrap().unwrap().path();
    assert_eq!(fs::read_to_string(runs.join("jobs/a/attempts/1/guest.log")).unwrap(), "hi\n");
}
