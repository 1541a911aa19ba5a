//! A disk that fills while jobs run.

use std::fs::{self, File};
use std::io::Write as _;

use crate::support::disk::{Disk, assert_told};
use crate::support::processes::{Running, START};
use crate::support::project::Project;

/// A guest isn't held up until its deadline, and what it lost is told.
#[test]
fn a_disk_that_fills_while_jobs_run_is_told_of_each() {
    let disk = Disk::new("size=64m,nr_inodes=10000");
    let project = Project::with_guests(
        r#"{
          jobs.brings = { command = "echo begun; head -c 8000000 /dev/urandom >out"; artifacts = [ "out" ]; };
          jobs.prints.command = "seq 1 1000000";
        }"#,
    );
    let mut command = project.command(&["run", "--jobs=1"]);
    command.env("PIKACI_STATE_ROOT", disk.state());
    let mut running = Running::start(&command);
    running.says("brings: started\n");
    running.process("qemu-system-x86_64");
    let ballast = File::create(disk.folder.path().join("ballast")).unwrap();
    let full = std::iter::repeat_with(|| (&ballast).write_all(&[1; 4096])).take_while(Result::is_ok).count();
    ballast.set_len(4096 * full as u64 - 2_000_000).unwrap();
    // Far below the deadline for what comes after the command.
    let told = running.ends_within(START, "a disk that fills").exits(102);
    let full = assert_told(&disk, None, &project, &told, "filled");
    assert!(full.contains("/jobs/prints/attempts/1/guest.log: "), "{full}");
    let lost = "but then the guest failed: the artifacts can't be written to their disk: the host's may be full\n";
    assert!(told.stdout.contains(lost), "{}", told.stdout);
    assert!(told.stdout.contains("[the log is cut: bytes of the output are missing]"), "{}", told.stdout);
    let run = disk.state().join("runs").join(&disk.runs()[0]);
    let log = fs::read_to_string(run.join("jobs/prints/attempts/1/guest.log")).unwrap();
    assert!(log.starts_with("1\n2\n") && log.len() > 100_000, "what there was room for stays");
}
