//! Runners that Nix builds: reproducible, built once, and built again when they are damaged.

use std::fs::{self, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use pikaci::event::Outcome;

use crate::support::project::{NIX_CONFIG, Project, Ran, delete_paths, json, ran};
use crate::support::stand_in::{FAILING_NIX, StandIns, noting};
use crate::support::tools::nix;

const JOB_FILE: &str = r#"{ jobs.one = { command = "true"; }; jobs.two = { command = "true"; }; }"#;

/// Runs Nix, or another program of that Nix, and returns its output.
#[track_caller]
fn real_nix(version: &str, program: &str, args: &[&str], dir: &Path) -> String {
    let mut command = Command::new(nix(version).with_file_name(program));
    command.args(args).current_dir(dir).env("NIX_CONFIG", NIX_CONFIG);
    ran(&mut command).exits(0).stdout.trim().to_owned()
}

/// A project with a unique runner; its guests end before they boot, since only the work of Nix matters here.
struct Scene {
    project: Project,
    programs: StandIns,
    state: PathBuf,
}

impl Scene {
    fn new() -> Self {
        let project = Project::with_nix(r#"{ jobs.one = { command = "true"; }; }"#);
        let notes = project.path("notes");
        let programs = StandIns::new().own_busybox();
        let programs = programs.script("qemu-system-x86_64", "exit 1").script("nix", &noting(&nix("oldest"), &notes));
        let state = project.path("state");
        Self { project, programs, state }
    }

    /// Runs the job, and returns the number of calls of Nix.
    #[track_caller]
    fn nix_calls(&self) -> usize {
        self.run().exits(102);
        let notes = self.project.path("notes");
        let calls = fs::read_to_string(&notes).unwrap_or_default().lines().count();
        fs::write(&notes, "").unwrap();
        calls
    }

    fn run(&self) -> Ran {
        let args = ["run", "--state-root", self.state.to_str().unwrap()];
        ran(&mut self.programs.before(self.project.command(&args)))
    }

    /// Returns the only entry of a folder of the state folder.
    #[track_caller]
    fn only(&self, folder: &str) -> PathBuf {
        let entries: Vec<PathBuf> = fs::read_dir(self.state.join(folder)).unwrap().map(|e| e.unwrap().path()).collect();
        assert_eq!(entries.len(), 1, "{entries:?}");
        entries[0].clone()
    }

    /// Returns the GC root.
    fn root(&self) -> PathBuf {
        let store = self.only("runners");
        self.only(store.to_str().unwrap()).clone()
    }

    /// Returns the store's own record of the GC root.
    fn record_of_root(&self) -> Option<PathBuf> {
        let root = self.root();
        let records = fs::read_dir("/nix/var/nix/gcroots/auto").unwrap().map(|entry| entry.unwrap().path());
        records.into_iter().find(|record| fs::read_link(record).is_ok_and(|target| target == root))
    }

    fn delete(&self) -> PathBuf {
        let runner = fs::read_link(self.root()).unwrap();
        let store = |args: &[&str]| real_nix("oldest", "nix-store", args, &self.state);
        let deriver = store(&["--query", "--deriver", runner.to_str().unwrap()]);
        let source = store(&["--query", "--references", &deriver]);
        fs::remove_file(self.record_of_root().unwrap()).unwrap();
        let mut paths = vec![runner.to_str().unwrap(), &deriver];
        paths.extend(source.lines());
        delete_paths(&paths);
        assert!(!runner.exists());
        runner
    }
}

#[test]
fn both_nix_versions_build_the_same_bits_again_and_again() {
    let project = Project::with_nix(JOB_FILE);
    let failing = StandIns::new().script("nix", FAILING_NIX);
    ran(&mut failing.before(project.command(&["run"]))).exits(101);
    let digest = json(&project.last_run().join("plan.json"))["nodes"][0]["prepare"]["flake_digest"].clone();
    let flake = project.state("flakes").join(digest.as_str().unwrap());
    let build = |version: &str, more: &[&str]| {
        let args = ["build", "--no-link", "--print-out-paths", "--no-write-lock-file", "path:.#runner"];
        real_nix(version, "nix", &[&args, more].concat(), &flake)
    };
    let (oldest, newest) = (build("oldest", &[]), build("newest", &[]));
    assert!(oldest.starts_with("/nix/store/") && oldest.ends_with("-pikaci-runner"), "{oldest}");
    assert_eq!(oldest, newest);
    for version in ["oldest", "newest"] {
        // The command fails unless a new build equals the first one.
        assert_eq!(build(version, &["--rebuild"]), oldest);
    }
}

#[test]
fn a_runner_is_built_once_and_again_when_its_root_or_its_state_folder_is_gone() {
    let mut scene = Scene::new();
    assert!(scene.nix_calls() > 0);
    let runner = fs::read_link(scene.root()).unwrap();
    assert_eq!(scene.nix_calls(), 0, "a built runner needs no nix process");
    let plain = scene.state.clone();
    scene.state = plain.join("runs/../../state");
    assert_eq!(scene.nix_calls(), 0, "another name of the folder needs no build");
    scene.state = plain;

    fs::remove_file(scene.record_of_root().unwrap()).unwrap();
    assert!(scene.nix_calls() > 0, "the store forgot the root");
    assert!(scene.record_of_root().is_some());
    assert_eq!(scene.nix_calls(), 0);

    let moved = scene.project.path("moved");
    fs::rename(&scene.state, &moved).unwrap();
    scene.state = moved;
    assert!(scene.nix_calls() > 0, "the state folder was moved");
    assert!(scene.record_of_root().is_some());
    assert_eq!(scene.nix_calls(), 0);

    assert_eq!(scene.delete(), runner);
    assert!(scene.nix_calls() > 0, "the runner was collected");
    assert_eq!(fs::read_link(scene.root()).unwrap(), runner);
    assert!(runner.join("boot.json").exists());
    scene.delete();
}

#[test]
fn a_damaged_runner_is_detected() {
    let scene = Scene::new();
    scene.nix_calls();
    let runner = fs::read_link(scene.root()).unwrap();

    let flake = scene.only("flakes");
    let agent = fs::read(flake.join("guest/agent.sh")).unwrap();
    fs::remove_file(scene.root()).unwrap();
    fs::write(flake.join("guest/agent.sh"), "poweroff -f\n").unwrap();
    fs::write(flake.join("more.nix"), "").unwrap();
    fs::set_permissions(flake.join("bin/busybox"), Permissions::from_mode(0o644)).unwrap();
    // A leftover of a killed process for the same flake, and the draft of another flake that somebody may be writing.
    let draft = |digest: &str| flake.with_file_name(format!(".tmp-{digest}-aB3"));
    let (left, other) = (draft(flake.file_name().unwrap().to_str().unwrap()), draft("other"));
    fs::create_dir_all(left.join("bin")).unwrap();
    fs::create_dir(&other).unwrap();
    assert!(scene.nix_calls() > 0);
    fs::remove_dir(other).unwrap();
    assert_eq!(scene.only("flakes"), flake);
    assert_eq!(fs::read(flake.join("guest/agent.sh")).unwrap(), agent);
    assert!(!flake.join("more.nix").exists());
    assert_eq!(fs::read_link(scene.root()).unwrap(), runner, "the runner was built from a new flake");

    OpenOptions::new().append(true).open(runner.join("initrd")).unwrap().write_all(b"more").unwrap();
    let damaged = scene.run().exits(101);
    let text = format!("{} is damaged", runner.display());
    let hint = format!("hint: sudo nix-store --repair-path {}\n", runner.display());
    assert!(damaged.stdout.contains(&text) && damaged.stdout.contains(&hint), "{}", damaged.stdout);
    real_nix("oldest", "nix-store", &["--repair-path", runner.to_str().unwrap()], &scene.state);
    scene.nix_calls();
    assert_eq!(scene.nix_calls(), 0);
    scene.delete();
}

#[test]
fn an_unusable_nix_is_reported_with_a_remedy() {
    let cases = [
        ("echo 'nix (Nix) 2.8.0'", "is Nix 2.8, which is too old", "hint: put Nix 2.26 or newer first in PATH"),
        (
            r#"case "$1" in
                --version) echo "nix (Nix) 2.99.0" ;;
                *) echo "error: opening lock file '/nix/var/nix/db/big-lock': Permission denied" >&2; exit 1 ;;
            esac"#,
            "nix may not change its store: error: opening lock file",
            "hint: start the Nix daemon, or be root; ",
        ),
        ("echo 'what?'", "reading the version of ", "hint: fix the error, then: pikaci run"),
    ];
    for (script, message, hint) in cases {
        let project = Project::with_nix(JOB_FILE);
        let ran = ran(&mut StandIns::new().script("nix", script).before(project.command(&["run"]))).exits(101);
        assert!(ran.stdout.contains(message) && ran.stdout.contains(hint), "{}", ran.stdout);
        assert_eq!(project.job("one").status.outcome(), Some(Outcome::Skipped));
        assert_eq!(project.record().status.outcome(), Some(Outcome::Errored));
    }
}

#[test]
fn a_build_that_fails_is_shown_and_its_jobs_are_skipped() {
    let project = Project::with_nix(JOB_FILE).file(
        "busybox.c",
        "#include <stdio.h>\nint main(void) { fputs(\"the builder broke\\n\", stderr); return 3; }\n",
    );
    let compiled = project.path("compiled");
    let source = project.path("busybox.c");
    ran(Command::new("gcc").arg("-static").arg("-o").args([&compiled, &source])).exits(0);
    let broken = StandIns::new().program("busybox", &fs::read(compiled).unwrap());
    let ran = ran(&mut broken.before(project.command(&["run"]))).exits(101);
    assert!(ran.stdout.contains("the builder broke"), "{}", ran.stdout);
    assert!(ran.stdout.contains(": nix build failed\n") && ran.stdout.contains("\nhint: less "), "{}", ran.stdout);
    for job in ["one", "two"] {
        let job = project.job(job);
        assert_eq!(job.status.outcome(), Some(Outcome::Skipped));
        assert!(job.exit.reason.message.unwrap().starts_with("its runner couldn't be built (prepare:"));
    }
}

#[test]
fn a_store_in_another_folder_is_refused_with_a_remedy() {
    let project = Project::with_nix(JOB_FILE);
    let own = StandIns::new().own_busybox();
    let config = format!("{NIX_CONFIG}store = {}\n", project.path("store").display());
    let ran = ran(own.before(project.command(&["run"])).env("NIX_CONFIG", config)).exits(101);
    assert!(ran.stdout.contains(" in a store in another folder\n"), "{}", ran.stdout);
    let hint = "\nhint: use a store of this machine: unset NIX_REMOTE, and `store` in nix.conf\n";
    assert!(ran.stdout.ends_with(hint), "{}", ran.stdout);
}
