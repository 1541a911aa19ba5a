//! A guest that waits for the host once it is ready, so that it can be saved there.

use std::path::Path;

use pikaci::cancel::Cancel;
use pikaci::execute::qemu::Accelerator;
use pikaci::execute::share::{Programs, Users};
use pikaci::execute::verdict::{Cause, Observed};
use pikaci::execute::vm::{self, Guest, Logs};
use pikaci::plan::record::Deadlines;
use tempfile::TempDir;

use crate::project::Project;

#[test]
fn a_guest_told_to_wait_goes_on_at_a_line_and_not_before() {
    let project = Project::new(r#"{ jobs.a.command = "true"; }"#);
    project.pikaci(&["run"]).exits(0);
    let runner = project.record().prepares[0].runner.clone().unwrap();
    let answered = boot(Path::new(&runner), "quiet panic=-1 pikaci.wait");
    // There is no request for it, which it finds out only when it goes on.
    assert!(answered.ready && answered.error.is_some(), "{answered:?}");
    // The same word to the agent, and none to the host, which doesn't answer.
    let alone = boot(Path::new(&runner), "quiet panic=-1 pikaci.wait=1");
    assert!(alone.ready && alone.error.is_none(), "{alone:?}");
    assert_eq!(alone.cause, Some(Cause::JobDeadline(4)));
}

fn boot(runner: &Path, cmdline: &str) -> Observed {
    let folder = TempDir::with_prefix("pikaci-test-").unwrap();
    let log = |name: &str| folder.path().join(name);
    let guest = Guest {
        qemu: Path::new("/usr/bin/qemu-system-x86_64"),
        programs: &Programs { virtiofsd: "false".into(), bwrap: "false".into() },
        accelerator: Accelerator::Tcg,
        vcpu: 1,
        memory_mib: 256,
        network: false,
        kernel: &runner.join("kernel"),
        initrd: &runner.join("initrd"),
        cmdline,
        disks: &[],
        shares: &[],
        users: Users { host: 0, guest: 0 },
        deadlines: Deadlines { boot_secs: 60, job_secs: 4, collect_secs: 60 },
        logs: &Logs { host: log("host"), guest: log("guest"), console: log("console") },
    };
    vm::run(&guest, &Cancel::default(), &mut |_| {}).unwrap().observed
}
