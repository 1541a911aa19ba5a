//! A project in a temporary folder, and the real binary run in it.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use pikaci::record::{JobRecord, RunRecord};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::tools::{nix, tool};

/// Settings for Nix on a machine without its daemon, its users and its cache.
pub const NIX_CONFIG: &str = "experimental-features = nix-command flakes\nbuild-users-group =\nsubstituters =\n\
    flake-registry =\nsandbox = true\nsandbox-paths = /bin/sh=/bin/busybox\n";

/// Deletes paths of the store. Nix reads the paths of the open files of every process, and fails at a path of another
/// test that is too long; then Nix is called again.
#[track_caller]
pub fn delete_paths(paths: &[&str]) {
    loop {
        let mut delete = Command::new(nix("oldest").with_file_name("nix-store"));
        let deleted = ran(delete.arg("--delete").args(paths).env("NIX_CONFIG", NIX_CONFIG));
        if deleted.code == Some(0) {
            return;
        }
        assert!(deleted.stderr.contains("File name too long [/proc/"), "{}", deleted.stderr);
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// A project with a job file, and a folder of its own that is removed with it.
pub struct Project {
    folder: PathBuf,
    _temporary: Option<TempDir>,
    allows_local_inputs: bool,
    nix: Option<PathBuf>,
}

/// The end of a command of pikaci, with its output.
#[derive(Debug)]
pub struct Ran {
    /// The exit code; `None` after a signal.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Ran {
    /// Asserts the exit code, and shows the whole output if it differs.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "--- stdout\n{}\n--- stderr\n{}", self.stdout, self.stderr);
        self
    }
}

impl Project {
    /// Creates a project outside of git with this job file.
    pub fn new(job_file: &str) -> Self {
        let folder = TempDir::with_prefix("pikaci-test-").unwrap();
        let project = Self::at(folder.path(), job_file);
        Self { _temporary: Some(folder), ..project }
    }

    /// Creates a project in a folder that the caller keeps.
    pub fn at(folder: &Path, job_file: &str) -> Self {
        let project = Self { folder: folder.to_owned(), _temporary: None, allows_local_inputs: false, nix: None };
        project.file("pikaci.nix", job_file)
    }

    /// Creates a project of jobs without a guest.
    pub fn without_guest(jobs: &str) -> Self {
        Self::new(&format!(
            r#"{{ defaults = {{ guest = "here"; network = true; }}; guests.here = {{ base = "none"; }}; jobs = {{ {jobs} }}; }}"#
        ))
    }

    /// Creates a project whose commands use the oldest Nix.
    #[track_caller]
    pub fn with_nix(job_file: &str) -> Self {
        Self { nix: Some(nix("oldest")), ..Self::new(job_file) }
    }

    /// Creates a project whose jobs have guests.
    #[track_caller]
    pub fn with_guests(job_file: &str) -> Self {
        for name in ["qemu-system-x86_64", "bwrap", "virtiofsd"] {
            tool(name);
        }
        Self::with_nix(job_file)
    }

    /// Allows inputs on this machine in the project's flake.lock, since those of the fixtures lie here.
    pub fn allowing_local_inputs(self) -> Self {
        Self { allows_local_inputs: true, ..self }
    }

    /// Writes a file of the project.
    pub fn file(self, name: &str, content: &str) -> Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    /// Makes the project a git repository with one commit of every file.
    pub fn committed(self) -> Self {
        self.git(&["init", "--quiet", "--initial-branch=main"]);
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message=all"]);
        self
    }

    /// Runs git in the project.
    #[track_caller]
    pub fn git(&self, args: &[&str]) {
        let identity = ["-c", "user.name=test", "-c", "user.email=test@example.invalid"];
        let status = Command::new("git").args(identity).args(args).current_dir(&self.folder).status().unwrap();
        assert!(status.success(), "git {args:?}");
    }

    /// Returns a path in the project.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Returns a path in the project's state folder.
    pub fn state(&self, name: &(impl AsRef<Path> + ?Sized)) -> PathBuf {
        self.path(".pikaci").join(name)
    }

    /// Returns the command `pikaci ARGS` in this project: with emulated guests, no retries, the oldest Nix, no files of
    /// the user, and the consent for jobs of base `none`.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pikaci"));
        command.args(args).current_dir(&self.folder).stdin(Stdio::null());
        command.env("PATH", self.search_path());
        command.env("NIX_CONFIG", NIX_CONFIG).env("PIKACI_ACCEL", "tcg").env("PIKACI_INFRA_RETRIES", "0");
        command.env("PIKACI_ALLOW_UNISOLATED", "true");
        command.envs(self.allows_local_inputs.then_some(("PIKACI_ALLOW_LOCAL_INPUTS", "true")));
        command
    }

    /// Returns the PATH of the project's commands.
    fn search_path(&self) -> OsString {
        let path = std::env::var_os("PATH").unwrap();
        let nix = self.nix.as_deref().and_then(Path::parent).map(Path::to_owned);
        std::env::join_paths(nix.into_iter().chain(std::env::split_paths(&path))).unwrap()
    }

    /// Runs `pikaci ARGS` in this project to its end.
    pub fn pikaci(&self, args: &[&str]) -> Ran {
        ran(&mut self.command(args))
    }

    /// Returns the ids of the runs, oldest first.
    pub fn runs(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.state("runs")) else { return Vec::new() };
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        // A starting run has a temporary name.
        let mut ids: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
        ids.sort();
        ids
    }

    /// Returns the folder of the latest run.
    #[track_caller]
    pub fn last_run(&self) -> PathBuf {
        self.state("runs").join(self.runs().last().expect("there is a run"))
    }

    /// Returns the record of the latest run.
    #[track_caller]
    pub fn record(&self) -> RunRecord {
        serde_json::from_value(json(&self.last_run().join("run.json"))).unwrap()
    }

    /// Returns the record of a job of the latest run.
    #[track_caller]
    pub fn job(&self, id: &str) -> JobRecord {
        let record = self.record();
        let job = record.jobs.iter().find(|job| job.id.as_str() == id).expect("the run has the job");
        serde_json::from_value(json(&self.state(&job.status_path))).unwrap()
    }

    /// Returns the output of a job of the latest run.
    #[track_caller]
    pub fn output(&self, id: &str) -> String {
        let log = self.job(id).logs.guest_log_path.expect("the job has started");
        String::from_utf8_lossy(&fs::read(self.state(&log)).unwrap()).into_owned()
    }

    /// Returns the output of a job of the latest run so far, if its log exists.
    pub fn try_output(&self, id: &str) -> Option<String> {
        let runs = self.state("runs");
        let read = |path: PathBuf| fs::read(path).ok();
        let record: RunRecord = serde_json::from_slice(&read(runs.join(self.runs().last()?).join("run.json"))?).ok()?;
        let summary = record.jobs.iter().find(|job| job.id.as_str() == id)?;
        let job: JobRecord = serde_json::from_slice(&read(self.state(&summary.status_path))?).ok()?;
        Some(String::from_utf8_lossy(&read(self.state(&job.logs.guest_log_path?))?).into_owned())
    }
}

/// Runs a command to its end.
pub fn ran(command: &mut Command) -> Ran {
    let output = command.output().unwrap();
    Ran {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Reads a JSON file.
#[track_caller]
pub fn json(path: &Path) -> Value {
    let text = fs::read(path).unwrap_or_else(|error| panic!("reading {}: {error}", path.display()));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("decoding {}: {error}", path.display()))
}
