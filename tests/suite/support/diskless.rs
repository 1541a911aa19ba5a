//! A guest without disks and shares, booted by the library itself.

use std::path::Path;

use pikaci::cancel::Cancel;
use pikaci::config::Network;
use pikaci::execute::attempt_logs::AttemptLogs;
use pikaci::execute::launcher::Launcher;
use pikaci::execute::machine_spec::MachineSpec;
use pikaci::execute::qemu::Accelerator;
use pikaci::execute::qemu::QemuProgram;
use pikaci::execute::qemu::jail::Jail;
use pikaci::execute::share::ShareUsers;
use pikaci::execute::vm::{self, VmEnd};
use pikaci::execute::vm_spec::VmSpec;
use pikaci::foreign::Beneath;
use pikaci::plan::record::Deadlines;
use pikaci::quota::Quota;
use pikaci::secret::Masks;
use tempfile::TempDir;

use crate::support::tools::tool;

/// Boots a runner, and returns the end of the guest and the log of its console.
pub fn boot(runner: &Path, cmdline: &str, deadlines: Deadlines) -> (VmEnd, Vec<u8>) {
    let folder = TempDir::with_prefix("pikaci-test-").unwrap();
    let log = |name: &str| Beneath::new(folder.path()).join(name);
    let logs = AttemptLogs { host: log("host"), guest: log("guest"), console: log("console") };
    let qemu = QemuProgram { path: tool("qemu-system-x86_64"), jail: Jail::None };
    let launcher = Launcher::Qemu { qemu: &qemu, virtiofs: None, accelerator: Accelerator::Tcg };
    let spec = VmSpec {
        machine: MachineSpec {
            arch: "x86_64",
            vcpu: 1,
            memory_mib: 256,
            kernel: &runner.join("kernel"),
            initrd: &runner.join("initrd"),
            cmdline,
            disks: &[],
            network: Network::None,
        },
        shares: &[],
        users: ShareUsers { host: 0, guest: 0 },
        deadlines,
        logs: &logs,
        masks: &Masks::default(),
        writable_disks: &[],
        quota: &Quota::unlimited(),
        scratch: folder.path(),
    };
    let ended = vm::run(&launcher, &spec, &Cancel::default(), &mut |_| {}).unwrap();
    (ended, std::fs::read(&logs.console).unwrap())
}
