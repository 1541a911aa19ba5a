//! `pikaci doctor` with a KVM that works or hangs.

use std::fs;

use pikaci::cancel::Cancel;
use pikaci::execute::qemu::jail::Jail;
use pikaci::execute::qemu::kvm_probe::boots_probe_kernel;
use pikaci::execute::qemu::{Accelerator, QemuProgram};
use rustix::process::Signal;

use crate::support::doctor::{Findings, JSON};
use crate::support::processes::{Running, START};
use crate::support::project::{Project, json};
use crate::support::stand_in::StandIns;
use crate::support::tools::{tool, with_kvm_device};

#[test]
fn the_probe_kernel_boots_in_emulation() {
    for jail in [Jail::Bwrap(tool("bwrap")), Jail::Landlock, Jail::None] {
        let start = |qemu: &str| {
            let qemu = QemuProgram { path: qemu.into(), jail: jail.clone() };
            boots_probe_kernel(&qemu, Accelerator::Tcg, &Cancel::default()).unwrap()
        };
        assert_eq!(start(tool("qemu-system-x86_64").to_str().unwrap()), Some(true), "{jail:?}");
        assert_eq!(start("/bin/false"), Some(false), "{jail:?}");
    }
}

/// KVM opens and then hangs; with a built runner it is probed in another way.
#[test]
fn the_result_of_a_kvm_probe_is_cached_once_a_runner_is_built() {
    let project = Project::with_guests(r#"{ jobs.one.command = "true"; }"#).file("tmp/.keep", "");
    let hangs = project.path("hangs");
    let script = format!(
        r#"case "$*" in *accel=kvm*) echo "$*" >>'{}'; exec sleep 1000 ;; esac
exec {} "$@""#,
        hangs.display(),
        tool("qemu-system-x86_64").display()
    );
    let instead = StandIns::new().script("qemu-system-x86_64", &script);
    let doctor = || {
        let mut command = instead.before(project.command(JSON));
        // The stand-in for QEMU writes to a file that no jail shows.
        command.env("TMPDIR", project.path("tmp")).env("PIKACI_JAIL", "none");
        Running::start(&with_kvm_device(&command))
    };
    let tried = || fs::read_to_string(&hangs).unwrap_or_default().lines().map(str::to_owned).collect::<Vec<_>>();
    let no_guest = "/dev/kvm is there, but no guest boots with it, so guests are emulated, which is slower";

    let mut cancelled = doctor();
    cancelled.process("sleep");
    cancelled.signal(Signal::INT);
    assert_eq!(cancelled.ends("a cancelled trial").exits(130).stdout, "");
    let findings = Findings::of(&doctor().ends_within(START, "a KVM that hangs").exits(0));
    findings.has("kvm", "warning", no_guest, "nested virtualization");
    assert!(tried().len() == 2 && !project.state("").exists(), "{:#?}", tried());
    let left: Vec<_> = fs::read_dir(project.path("tmp")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, [".keep"]);

    project.pikaci(&["run"]).exits(0);
    for _ in 0..2 {
        let findings = Findings::of(&doctor().ends_within(START, "a runner with a KVM that hangs").exits(0));
        findings.has("kvm", "warning", no_guest, "nested virtualization");
        assert_eq!(json(&project.state("kvm.json"))["works"], false);
        assert_eq!(tried().len(), 3, "KVM was probed again");
    }
    assert!(tried()[2].contains("quiet cryptomgr.notests"), "{:#?}", tried());
}
