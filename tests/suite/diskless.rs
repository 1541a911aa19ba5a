//! A guest without disks and shares, booted by the library itself.

use std::path::Path;

use pikaci::cancel::Cancel;
use pikaci::config::Network;
use pikaci::execute::jail::Jail;
use pikaci::execute::launch::Launcher;
use pikaci::execute::machine::Machine;
use pikaci::execute::qemu::Accelerator;
use pikaci::execute::share::{Programs, Users};
use pikaci::execute::vm::{self, Ended, Guest, Logs};
use pikaci::foreign::Beneath;
use pikaci::plan::record::Deadlines;
use pikaci::quota::Quota;
use tempfile::TempDir;

/// Boots a runner to the guest's end, and returns what it left and its console's log.
pub fn boot(runner: &Path, cmdline: &str, deadlines: Deadlines) -> (Ended, Vec<u8>) {
    let folder = TempDir::with_prefix("pikaci-test-").unwrap();
    let log = |name: &str| Beneath::new(folder.path()).join(name);
    let logs = Logs { host: log("host"), guest: log("guest"), console: log("console") };
    let guest = Guest {
        launcher: Launcher::Qemu {
            qemu: Path::new("/usr/bin/qemu-system-x86_64"),
            jail: &Jail::None,
            accelerator: Accelerator::Tcg,
            share: &Programs { virtiofsd: "false".into(), jail: Jail::None },
        },
        machine: Machine {
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
        users: Users { host: 0, guest: 0 },
        deadlines,
        logs: &logs,
        artifacts: None,
        quota: &Quota::unlimited(),
        scratch: folder.path(),
    };
    let ended = vm::run(&guest, &Cancel::default(), &mut |_| {}).unwrap();
    (ended, std::fs::read(&logs.console).unwrap())
}
