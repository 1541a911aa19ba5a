//! The quota of a run, for the log of a hypervisor.

use std::fs;

use crate::support::project::{Project, ran};
use crate::support::stand_in::StandIns;

#[test]
fn the_log_of_a_hypervisor_is_cut_at_the_quota() {
    let project = Project::with_nix(r#"{ jobs.a = { command = "true"; }; }"#);
    let qemu = StandIns::new().script("qemu-system-x86_64", "head -c 5000000 /dev/zero | tr '\\0' x >&2; exit 1");
    ran(&mut qemu.before(project.command(&["run", "--disk=2M"]))).exits(102);
    let log = fs::read_to_string(project.state(&project.job("a").logs.host_log_path.unwrap())).unwrap();
    let notice = "\n[pikaci: the run used up its disk quota of 2097152 bytes; the rest is dropped]\n";
    assert!(log.contains(notice) && log.ends_with("pikaci: QEMU ended with exit code 1\n"), "{} bytes", log.len());
    assert!(log.len() < (2 << 20) + (16 << 10), "{} bytes", log.len());
}
