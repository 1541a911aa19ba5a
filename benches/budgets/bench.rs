//! The folder, the environment and the projects of all measurements.

use std::cell::OnceCell;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use pikaci::record::RunRecord;
use pikaci::state::{StateLayout, read_json};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use tempfile::TempDir;

use crate::sample::shell;

/// The job file of the project whose job boots a guest; benches/bare-vm.sh boots the same.
const GUEST: &str = "{ guests.default = { vcpu = 1; memory = \"1G\"; }; jobs.cold = { command = [ \"true\" ]; }; }\n";

/// Folder of all measurements.
pub struct Bench {
    folder: PathBuf,
    temporary: Option<TempDir>,
    interrupted: Arc<AtomicBool>,
    guest: OnceCell<Guest>,
}

/// The project whose job boots a guest, after its first run.
pub struct Guest {
    /// State folder of the project.
    pub state: StateLayout,
    /// Record of the first run.
    pub run: RunRecord,
    /// Store path of the runner.
    pub runner: String,
    /// Accelerator of the guest.
    pub accelerator: String,
}

impl Bench {
    /// Creates the folder. From then on, a signal is a request to clean up and end.
    pub fn start() -> Result<Self> {
        let interrupted = Arc::new(AtomicBool::new(false));
        for signal in [SIGHUP, SIGINT, SIGTERM] {
            signal_hook::flag::register(signal, Arc::clone(&interrupted)).context("listening for signals")?;
        }
        let (folder, temporary) = if let Some(folder) = std::env::var_os("BENCH_DIR") {
            let folder = std::path::absolute(&folder).context("finding BENCH_DIR")?;
            fs::create_dir(&folder).with_context(|| format!("making {}", folder.display()))?;
            (folder, None)
        } else {
            let folder = tempfile::Builder::new().prefix("pikaci-bench-").tempdir();
            let folder = folder.context("making a temporary folder")?;
            (folder.path().to_path_buf(), Some(folder))
        };
        Ok(Self { folder, temporary, interrupted, guest: OnceCell::new() })
    }

    /// Removes the folder, unless `BENCH_DIR` names it.
    pub fn end(self) -> Result<()> {
        if let Some(folder) = self.temporary {
            return folder.close().context("removing the temporary folder");
        }
        println!("to repeat a command: export PATH={:?}:$PATH B={}", binaries().display(), self.folder.display());
        Ok(())
    }

    /// Returns the folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Fails after a signal.
    pub fn go_on(&self) -> Result<()> {
        ensure!(!self.interrupted.load(Ordering::SeqCst), "interrupted");
        Ok(())
    }

    /// Returns the facts about the machine that explain the figures.
    pub fn circumstances(&self) -> Result<String> {
        let load = fs::read_to_string("/proc/loadavg").context("reading /proc/loadavg")?;
        let cpus = std::thread::available_parallelism().context("counting CPUs")?;
        let load = load.split(' ').next().unwrap_or_default();
        let kept = if self.temporary.is_some() { "; BENCH_DIR=DIR keeps it" } else { "" };
        Ok(format!("{cpus} CPUs, load average {load}; B={}{kept}", self.folder.display()))
    }

    /// Makes a project that is a git repository with one commit.
    pub fn project(&self, name: &str, job_file: &str) -> Result<PathBuf> {
        let folder = self.folder.join(name);
        fs::create_dir(&folder).with_context(|| format!("making {}", folder.display()))?;
        fs::write(folder.join("pikaci.nix"), job_file).context("writing pikaci.nix")?;
        shell(self, &format!("git -C $B/{name} init --quiet"))?;
        Ok(folder)
    }

    /// Commits all files of a project.
    pub fn commit(&self, name: &str) -> Result<()> {
        shell(self, &format!("git -C $B/{name} add --all"))?;
        let identity = "-c user.name=bench -c user.email=bench@example.invalid -c maintenance.auto=false -c gc.auto=0";
        shell(self, &format!("git {identity} -C $B/{name} commit --quiet --no-verify --message=all"))
    }

    /// Returns the project whose job boots a guest; its runner is built.
    pub fn guest(&self) -> Result<&Guest> {
        if let Some(guest) = self.guest.get() {
            return Ok(guest);
        }
        let project = self.project("guest", GUEST)?;
        self.commit("guest")?;
        shell(self, "pikaci -C $B/guest run")?;
        let state = StateLayout::new(project.join(".pikaci"));
        let mut runs = fs::read_dir(state.runs()).context("looking for the run")?;
        let id = runs.next().context("looking for the run")??.file_name();
        let run: RunRecord = read_json(&state.runs().join(id).join("run.json"))?;
        let runner =
            run.prepares.first().and_then(|prepare| prepare.runner.clone()).context("the run has no runner")?;
        let accelerator = run.accelerator.as_ref().context("the run has no accelerator")?.name.clone();
        Ok(self.guest.get_or_init(|| Guest { state, run, runner, accelerator }))
    }
}

/// Waits until the files are old enough that their stamps prove that they are unchanged (`pikaci::snapshot`).
pub fn settle() {
    std::thread::sleep(Duration::from_millis(2100));
}

/// Returns the PATH of the commands, with the measured pikaci first.
pub fn path() -> OsString {
    let mut path = binaries().as_os_str().to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    path
}

/// Returns the folder of the measured pikaci.
fn binaries() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_pikaci")).parent().unwrap_or(Path::new("."))
}
