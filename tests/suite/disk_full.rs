//! A disk that is full, at every step of a run: each time an error that says so, and nothing that was recorded is lost.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

use pikaci::record::RunRecord;
use serde_json::Value;
use tempfile::TempDir;

use crate::events::assert_folded_in;
use crate::processes::{Running, START};
use crate::project::{Project, Ran, json, ran};
use crate::stand_in::{FAILING_NIX, StandIns};

/// A small disk, which goes with this.
struct Disk {
    folder: TempDir,
}

impl Disk {
    fn new(size: &str) -> Self {
        let folder = TempDir::with_prefix("pikaci-disk-").unwrap();
        let mut mount = Command::new("mount");
        ran(mount.args(["-t", "tmpfs", "-o", size, "tmpfs"]).arg(folder.path())).exits(0);
        Self { folder }
    }

    fn becomes(&self, size: &str) {
        ran(Command::new("mount").arg("-o").arg(format!("remount,{size}")).arg(self.folder.path())).exits(0);
    }

    /// Returns the state folder on it.
    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// Runs pikaci with its state on this disk.
    fn pikaci(&self, nix: Option<&StandIns>, project: &Project, args: &[&str]) -> Ran {
        let mut command = project.command(args);
        if let Some(nix) = nix {
            command = nix.before(command);
        }
        ran(command.env("PIKACI_STATE_ROOT", self.state()))
    }

    fn runs(&self) -> Vec<String> {
        let entries = fs::read_dir(self.state().join("runs")).into_iter().flatten();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        ran(Command::new("umount").arg(self.folder.path()));
    }
}

/// Asserts that a run on a disk that was full is an error that says so or one that was recorded, and that with more room
/// its record has ended, is what its events say, and is the only one. Returns what couldn't be done.
#[track_caller]
fn assert_told(disk: &Disk, nix: Option<&StandIns>, project: &Project, told: &Ran, what: &str) -> String {
    assert!(told.code == Some(1) || told.code >= Some(100), "{what}: {told:?}");
    let text = format!("{}{}", told.stdout, told.stderr);
    assert!(!text.contains("panicked"), "{what}: {text}");
    let full = text.lines().find(|line| line.contains("No space left on device"));
    let full = full.unwrap_or_else(|| panic!("{what}: {text}")).to_owned();
    let end = if told.stderr.contains("error: ") { &told.stderr } else { &told.stdout };
    assert!(end.lines().last().unwrap().starts_with("hint: "), "{what}: {text}");

    disk.becomes("size=100m,nr_inodes=10000");
    let listed = disk.pikaci(nix, project, &["list", "--format=json"]).exits(0);
    let listed: Value = serde_json::from_str(&listed.stdout).unwrap();
    assert_eq!(listed["broken"], Value::Array(Vec::new()), "{what}");
    let runs = disk.runs();
    assert_eq!(listed["runs"].as_array().unwrap().len(), runs.len(), "{what}");
    assert!(runs.len() <= 1, "{what}: {runs:?}");
    for run in &runs {
        let record: RunRecord =
            serde_json::from_value(json(&disk.state().join("runs").join(run).join("run.json"))).unwrap();
        assert_eq!(record.status.word(), "errored", "{what}");
        assert_folded_in(&disk.state(), run, what);
    }
    full
}

/// Runs on disks of these sizes, up to where nothing but the build of the guest fails, and asserts that they were full at
/// each of these steps.
#[track_caller]
fn assert_each_step_is_told(sizes: impl Iterator<Item = String>, steps: &[&'static str]) {
    let nix = StandIns::new().script("nix", FAILING_NIX);
    let project = Project::new(
        r#"{ jobs.a.command = "true"; jobs.b = { command = "true"; needs = [ "a" ]; }; jobs.c.command = "true"; }"#,
    );
    let mut seen = BTreeSet::new();
    for size in sizes {
        let disk = Disk::new(&size);
        let told = disk.pikaci(Some(&nix), &project, &["run"]);
        let full = assert_told(&disk, Some(&nix), &project, &told, &size);
        let step = steps.iter().find(|step| full.contains(**step));
        let is_new = seen.insert(*step.unwrap_or_else(|| panic!("{size}: {full}")));
        if is_new && seen.len() % 4 == 1 {
            // With room again it gets as far as it can here, and what was lost is made again.
            let again = disk.pikaci(Some(&nix), &project, &["run"]).exits(101);
            assert!(again.stdout.contains("nix build failed"), "{size}: {}", again.stdout);
        }
        disk.pikaci(Some(&nix), &project, &["gc", "--keep-runs=0"]).exits(0);
        let left = ran(Command::new("find").arg(disk.state()).args(["-name", ".tmp-*"])).exits(0).stdout;
        assert_eq!((disk.runs(), left), (Vec::new(), String::new()), "{size}");
    }
    assert_eq!(seen, steps.iter().copied().collect(), "the disk was full at each of these");
}

#[test]
fn a_disk_that_takes_no_more_files_is_told_at_each_step() {
    assert_each_step_is_told(
        (2..31).map(|files| format!("size=100m,nr_inodes={files}")),
        &[
            "/.gitignore: ",
            "/CACHEDIR.TAG: ",
            "/version: ",
            "/locks/gc: ",
            "/locks/snapshots: ",
            "/snapshots: ",
            "making a folder in ",
            "copying pikaci.nix to ",
            "/indexes: ",
            ".seal: ",
            "remembering the source tree: ",
            "/host.json: ",
            "/runs: ",
            "/plan.json: ",
            "/events.jsonl: ",
            "/run.json: ",
            "/jobs: ",
            "/lock: ",
            "/locks/flake-",
            "the runner flake: ",
            "making /",
        ],
    );
}

#[test]
fn a_disk_without_room_is_told_at_each_step() {
    assert_each_step_is_told(
        (1..18).map(|pages| format!("size={}k,nr_inodes=10000", 4 * pages)),
        &[
            "/CACHEDIR.TAG: ",
            "/version: ",
            "copying pikaci.nix to ",
            ".seal: ",
            "remembering the source tree: ",
            "/host.json: ",
            "/plan.json: ",
            "/events.jsonl: ",
            "/run.json: ",
            "the runner flake: ",
        ],
    );
}

/// A guest isn't held up until its deadline, and what it lost is told.
#[test]
fn a_disk_that_fills_while_jobs_run_is_told_of_each() {
    let disk = Disk::new("size=64m,nr_inodes=10000");
    let project = Project::new(
        r#"{
          jobs.brings = { command = "echo begun; head -c 8000000 /dev/urandom >out"; artifacts = [ "out" ]; };
          jobs.prints.command = "seq 1 1000000";
        }"#,
    );
    let mut command = project.command(&["run", "--jobs=1"]);
    command.env("PIKACI_STATE_ROOT", disk.state());
    let mut running = Running::start(command);
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
