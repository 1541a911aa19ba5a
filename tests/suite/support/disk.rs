//! A small disk for a state folder.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use pikaci::record::RunRecord;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::project::{Project, Ran, json, ran};
use crate::support::replay::assert_folded_in;
use crate::support::stand_in::StandIns;

/// A small disk, which is unmounted at the end.
pub struct Disk {
    pub folder: TempDir,
}

impl Disk {
    pub fn new(size: &str) -> Self {
        let folder = TempDir::with_prefix("pikaci-disk-").unwrap();
        let mut mount = Command::new("mount");
        ran(mount.args(["-t", "tmpfs", "-o", size, "tmpfs"]).arg(folder.path())).exits(0);
        Self { folder }
    }

    pub fn resize(&self, size: &str) {
        ran(Command::new("mount").arg("-o").arg(format!("remount,{size}")).arg(self.folder.path())).exits(0);
    }

    /// Returns the path of the state folder.
    pub fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// Runs pikaci with its state folder on this disk.
    pub fn pikaci(&self, nix: Option<&StandIns>, project: &Project, args: &[&str]) -> Ran {
        let mut command = project.command(args);
        if let Some(nix) = nix {
            command = nix.before(command);
        }
        ran(command.env("PIKACI_STATE_ROOT", self.state()))
    }

    pub fn runs(&self) -> Vec<String> {
        let entries = fs::read_dir(self.state().join("runs")).into_iter().flatten();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        ran(Command::new("umount").arg(self.folder.path()));
    }
}

/// Asserts that a run on a full disk ended with an error that names the full disk or with a record. Then enlarges the
/// disk, and asserts that the record of the run has ended, follows from its events, and is the only one. Returns the
/// message about the full disk.
#[track_caller]
pub fn assert_reported(disk: &Disk, nix: Option<&StandIns>, project: &Project, ended: &Ran, label: &str) -> String {
    assert!(ended.code == Some(1) || ended.code >= Some(100), "{label}: {ended:?}");
    let text = format!("{}{}", ended.stdout, ended.stderr);
    assert!(!text.contains("panicked"), "{label}: {text}");
    let full = text.lines().find(|line| line.contains("No space left on device"));
    let full = full.unwrap_or_else(|| panic!("{label}: {text}")).to_owned();
    let end = if ended.stderr.contains("error: ") { &ended.stderr } else { &ended.stdout };
    assert!(end.lines().last().unwrap().starts_with("hint: "), "{label}: {text}");

    disk.resize("size=100m,nr_inodes=10000");
    let listed = disk.pikaci(nix, project, &["list", "--format=json"]).exits(0);
    let listed: Value = serde_json::from_str(&listed.stdout).unwrap();
    assert_eq!(listed["broken"], Value::Array(Vec::new()), "{label}");
    let runs = disk.runs();
    assert_eq!(listed["runs"].as_array().unwrap().len(), runs.len(), "{label}");
    assert!(runs.len() <= 1, "{label}: {runs:?}");
    for run in &runs {
        let record: RunRecord =
            serde_json::from_value(json(&disk.state().join("runs").join(run).join("run.json"))).unwrap();
        assert_eq!(record.status.word(), "errored", "{label}");
        assert_folded_in(&disk.state(), run, label);
    }
    full
}
