//! A command that is killed at each of its steps, and a check of the files and processes that are left.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::ScopedJoinHandle;

use pikaci::failpoint::moments;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::processes::{Running, START, new_mark};
use crate::support::project::{Project, Ran, json, ran};
use crate::support::stand_in::StandIns;
use crate::support::tools::with_kvm_device;

/// The number of runs in which the command has to reach a moment.
const TRIES: usize = 5;

/// A command that is killed at each of its moments.
pub struct Act {
    scene: fn() -> Scene,
    workers: usize,
    targets: OnceLock<Vec<String>>,
}

impl Act {
    /// Creates an act; so many workers run its scene at a time, each with a state folder of its own.
    pub const fn new(scene: fn() -> Scene, workers: usize) -> Self {
        Self { scene, workers, targets: OnceLock::new() }
    }

    /// Returns the moments at which the command is killed, each with its number; a run of the command reports them.
    pub fn targets(&self) -> &[String] {
        self.targets.get_or_init(|| {
            let scene = (self.scene)();
            scene.targets(&scene.trace())
        })
    }

    /// Kills the command at each moment, and checks the remaining files and processes.
    pub fn kill_at_each(&self) {
        let targets = self.targets();
        assert!(!targets.is_empty());
        let next = AtomicUsize::new(0);
        let work = || {
            let scene = (self.scene)();
            while let Some(target) = targets.get(next.fetch_add(1, Ordering::Relaxed)) {
                scene.kill_at(target);
            }
        };
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..self.workers).map(|_| scope.spawn(work)).collect();
            assert!(workers.into_iter().map(ScopedJoinHandle::join).all(|ended| ended.is_ok()));
        });
        println!("killed {} times", targets.len());
    }
}

/// A command to kill, with the commands before and after it.
pub struct Scene {
    /// The project in which the commands run; its state folder lies elsewhere.
    pub project: Project,
    /// The command that is killed.
    pub args: Vec<String>,
    /// The first programs on the PATH of the killed command.
    pub programs: StandIns,
    /// The first programs on the PATH of the commands after it.
    pub programs_after: StandIns,
    /// More environment variables of the commands.
    pub env: Vec<(&'static str, &'static str)>,
    /// True if /dev/kvm opens for them, whatever this machine has.
    pub opens_kvm: bool,
    /// Beginning of the names of the moments at which it is killed; an empty one is all.
    pub only: &'static [&'static str],
    /// Prepares the state folder, which may have survived earlier kills.
    pub before: fn(&Scene),
    /// The mark of the command's processes, which the job file may contain too.
    pub mark: String,
    /// The folder of the state folder and the other files.
    pub folder: TempDir,
}

impl Scene {
    /// Creates a scene of a command that is killed at all moments, in a new state folder.
    pub fn new(project: Project, args: &[&str]) -> Self {
        Self {
            project,
            args: args.iter().map(ToString::to_string).collect(),
            programs: StandIns::new(),
            programs_after: StandIns::new(),
            env: Vec::new(),
            opens_kvm: false,
            only: &[],
            before: |scene| drop(fs::remove_dir_all(scene.state())),
            mark: new_mark(),
            folder: TempDir::with_prefix("pikaci-test-").unwrap(),
        }
    }

    /// Returns the state folder.
    pub fn state(&self) -> PathBuf {
        self.path("state")
    }

    /// Returns a path that is neither in the project nor in the state folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, programs: &StandIns, args: &[impl AsRef<OsStr>]) -> Command {
        let mut command = programs.before(self.project.command(&[]));
        fs::create_dir_all(self.path("tmp")).unwrap();
        command.args(args).env("PIKACI_STATE_ROOT", self.state()).env("TMPDIR", self.path("tmp"));
        command.env("XDG_CACHE_HOME", self.path("cache"));
        command.envs(self.env.iter().copied());
        if self.opens_kvm { with_kvm_device(&command) } else { command }
    }

    /// Creates the state folder by a run, if it doesn't exist.
    pub fn has_run(&self) {
        if !self.state().exists() {
            self.runs(&["run"]);
        }
    }

    /// Starts a run that isn't killed.
    pub fn begins(&self) -> Running {
        Running::start(&self.command(&self.programs_after, &["run"]))
    }

    /// Runs a command that isn't killed.
    #[track_caller]
    pub fn runs(&self, args: &[&str]) -> Ran {
        ran(&mut self.command(&self.programs_after, args)).exits(0)
    }

    /// Runs a command that is killed at a moment.
    #[track_caller]
    pub fn dies(&self, args: &[impl AsRef<OsStr>], target: &str) {
        let killed = self.run_to(args, target);
        assert_eq!(killed.code, None, "it wasn't killed at {target}: {}{}", killed.stdout, killed.stderr);
    }

    /// Runs a command until it is killed at a moment, or to its end if it doesn't reach the moment.
    #[track_caller]
    fn run_to(&self, args: &[impl AsRef<OsStr>], target: &str) -> Ran {
        let mut command = self.command(&self.programs, args);
        command.env("PIKACI_TEST_KILL", target);
        // `ends_within` returns after all its descendants have ended.
        Running::marked(&command, self.mark.clone()).ends_within(START, target)
    }

    #[track_caller]
    fn trace(&self) -> Vec<String> {
        let trace = self.path("trace");
        (self.before)(self);
        let mut command = self.command(&self.programs, &self.args);
        command.env("PIKACI_TEST_TRACE", &trace);
        Running::marked(&command, self.mark.clone()).ends_within(START, "traced").exits(0);
        fs::read_to_string(&trace).unwrap().lines().map(str::to_owned).collect()
    }

    /// Returns each moment with its number. Of the turns of the engine only the first counts, since their number
    /// varies.
    fn targets(&self, trace: &[String]) -> Vec<String> {
        let (_, turns) = moments();
        let mut counts = BTreeMap::new();
        let target = |moment: &String| {
            let count: &mut u32 = counts.entry(moment.clone()).or_default();
            *count += 1;
            let is_selected = self.only.is_empty() || self.only.iter().any(|start| moment.starts_with(start));
            (is_selected && (*count == 1 || !turns.contains(moment))).then(|| format!("{moment}:{count}"))
        };
        trace.iter().filter_map(target).collect()
    }

    #[track_caller]
    fn kill_at(&self, target: &str) {
        // The number of syncs, and of folders to remove, depends on the duration of steps, so not every run has as many
        // moments as the traced one.
        let killed = (0..TRIES).any(|_| {
            (self.before)(self);
            self.run_to(&self.args, target).code.is_none()
        });
        assert!(killed, "it wasn't killed at {target} in {TRIES} runs");
        self.assert_recovered(target);
    }

    /// Asserts that the killed command left no wrong record, no lasting process and no lasting file.
    #[track_caller]
    pub fn assert_recovered(&self, target: &str) {
        self.check_json(target);
        self.check_runs(target);
        let commands = [self.args.clone(), vec!["run".to_owned()]];
        for args in commands.iter().skip(usize::from(self.args == commands[1])) {
            let next = ran(&mut self.command(&self.programs_after, args));
            assert_eq!(next.code, Some(0), "{args:?} after {target}: {}{}", next.stdout, next.stderr);
        }
        self.runs(&["gc"]);
        self.check_json(target);
        let left: Vec<_> = all(&self.state()).into_iter().filter(|path| is_temporary(path)).collect();
        // A lock records the owner of each slot.
        let is_lock = |path: &PathBuf| path.to_string_lossy().contains("/pikaci-slots-");
        let elsewhere = ["tmp", "cache/pikaci"].map(|name| all(&self.path(name))).concat();
        let left = [left, elsewhere.into_iter().filter(|path| !is_lock(path)).collect()].concat();
        assert!(left.is_empty(), "gc after {target} leaves {left:#?}");
    }

    /// Asserts that the next command reports no broken and no running run.
    #[track_caller]
    fn check_runs(&self, target: &str) {
        let listed = self.runs(&["list", "--format=json"]).stdout;
        let listed: Value = serde_json::from_str(&listed).unwrap();
        assert_eq!(listed["broken"].as_array().map(Vec::len), Some(0), "{target}: {listed:#}");
        let runs = listed["runs"].as_array().unwrap();
        for run in runs {
            let ended = run["status"] != "running" && run["finished_at"].is_string();
            let is_open = |job: &Value| job["status"] == "running" || job["status"] == "queued";
            assert!(ended && !run["jobs"].as_array().unwrap().iter().any(is_open), "{target}: {run:#}");
            json(&self.state().join(run["plan_path"].as_str().unwrap()));
        }
        if !runs.is_empty() {
            let status = self.runs(&["status"]).stdout;
            assert!(!status.contains("running"), "{target}: {status}");
        }
    }

    /// Asserts that every JSON file is valid, and every line of events, except a last half line.
    #[track_caller]
    fn check_json(&self, target: &str) {
        for path in all(self.folder.path()) {
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("json") => drop(json(&path)),
                Some("jsonl") => {
                    let text = fs::read_to_string(&path).unwrap();
                    let mut whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
                    let is_whole = whole.all(|line| serde_json::from_str::<Value>(line).is_ok());
                    assert!(is_whole, "{target}: {}:\n{text}", path.display());
                }
                _ => {}
            }
        }
    }
}

/// Returns true for the name of a temporary file: of pikaci, or Nix's draft of a GC root.
fn is_temporary(path: &Path) -> bool {
    let name = path.file_name().unwrap().to_string_lossy();
    let draft = name.strip_prefix('.').and_then(|name| name.split_once('_'));
    name.contains(".tmp-") || draft.is_some_and(|(number, _)| number.parse::<u32>().is_ok())
}

/// Returns all paths below a folder.
pub fn all(folder: &Path) -> Vec<PathBuf> {
    let (mut paths, mut open) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            open.extend(path.symlink_metadata().unwrap().is_dir().then(|| path.clone()));
            paths.push(path);
        }
    }
    paths
}
