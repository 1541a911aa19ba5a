//! A disk that fills while jobs run.

use std::fs::{self, File};
use std::io::Write as _;

use crate::support::disk::{Disk, assert_reported};
use crate::support::processes::{Running, START};
use crate::support::project::Project;

/// The guest isn't delayed until its deadline, and the lost data are reported.
#[test]
fn a_disk_that_fills_is_reported_for_each_running_job() {
    let disk = Disk::new("size=64m,nr_inodes=10000");
    let project = Project::with_guests(
        r#"{
          jobs.brings = { command = "echo begun; head -c 8000000 /dev/urandom >out"; artifacts = [ "out" ]; };
          guests.disk.disk = "64M";
          jobs.keeps = { guest = "disk"; command = "head -c 8000000 /dev/urandom >file; sync"; };
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
    // The limit is far below the deadline of the phase after the command.
    let ended = running.ends_within(START, "a disk that fills").exits(102);
    assert_reported(&disk, None, &project, &ended, "filled");
    let full = "/jobs/prints/attempts/1/guest.log: No space left on device";
    assert!(ended.stdout.contains(full), "{}", ended.stdout);
    let lost = "but then the guest failed: the artifacts can't be written to their disk: the host's may be full\n";
    assert!(ended.stdout.contains(lost), "{}", ended.stdout);
    let lost = "but then the guest failed: the guest's disk can't be written: the host's may be full\n";
    assert!(ended.stdout.contains(lost), "{}", ended.stdout);
    assert!(ended.stdout.contains("[the log is cut: bytes of the output are missing]"), "{}", ended.stdout);
    let run = disk.state().join("runs").join(&disk.runs()[0]);
    let log = fs::read_to_string(run.join("jobs/prints/attempts/1/guest.log")).unwrap();
    assert!(log.starts_with("1\n2\n") && log.len() > 100_000, "the output that fitted stays");
}
