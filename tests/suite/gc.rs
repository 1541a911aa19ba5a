//! `pikaci gc`: what goes, what stays, and what is said of it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use pikaci::failpoint::Point;
use pikaci::id::Digest;
use pikaci::state::{self, FileLock, StateLayout};
use rustix::process::Signal;
use serde_json::Value;

use crate::checking::tree;
use crate::processes::Running;
use crate::project::{Project, Ran, json, ran};
use crate::records::Run;
use crate::stand_in::StandIns;

const JOB_FILE: &str = r#"{ jobs.one.command = "true"; }"#;

/// A project, and a QEMU that boots nothing.
struct Scene {
    project: Project,
    programs: StandIns,
}

impl Scene {
    fn new(qemu: &str) -> Self {
        let programs = StandIns::new().script("qemu-system-x86_64", qemu);
        Self { project: Project::new(JOB_FILE), programs }
    }

    /// Runs the job on a tree that holds this, and returns the id of the run.
    #[track_caller]
    fn run(&self, content: &str) -> String {
        fs::write(self.project.path("file"), content).unwrap();
        ran(&mut self.programs.before(self.project.command(&["run"]))).exits(102);
        self.project.runs().pop().unwrap()
    }

    fn names(&self, folder: &str) -> BTreeSet<String> {
        names(&self.project.state(folder))
    }

    /// Returns the GC roots.
    fn roots(&self) -> usize {
        self.names("runners").iter().map(|store| self.names(&format!("runners/{store}")).len()).sum()
    }
}

pub fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Runs gc and returns its JSON.
#[track_caller]
fn gc(project: &Project, args: &[&str]) -> Value {
    parse(&project.pikaci(&[&["gc", "--format=json"], args].concat()).exits(0).stdout)
}

/// Returns the paths that gc removed, of one kind.
fn removed<'a>(collected: &'a Value, kind: &str) -> Vec<&'a str> {
    let removed = collected["removed"].as_array().unwrap().iter();
    removed.filter(|removed| removed["kind"] == kind).map(|removed| removed["path"].as_str().unwrap()).collect()
}

/// A project whose state folder is there, and holds nothing yet.
pub fn empty() -> (Project, StateLayout) {
    let project = Project::new(JOB_FILE);
    let layout = state::open(&project.state("")).unwrap();
    (project, layout)
}

/// Stores a snapshot, a flake and a GC root with a digest.
pub fn store(state: &StateLayout, digest: &Digest) {
    for folder in [state.snapshot(digest), state.flake(digest)] {
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("file"), digest.as_str()).unwrap();
    }
    let root = state.runner("0a1b", digest);
    fs::create_dir_all(root.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink("/nix/store/none", root).unwrap();
}

/// Returns whether all three are there; panics when only some are.
#[track_caller]
pub fn is_stored(state: &StateLayout, digest: &Digest) -> bool {
    let there = [state.snapshot(digest), state.flake(digest), state.runner("0a1b", digest)];
    let there = there.map(|path| path.symlink_metadata().is_ok());
    assert!(there.iter().all(|is_there| *is_there == there[0]), "{there:?}");
    there[0]
}

#[test]
fn the_newest_stay_with_what_they_need_and_a_later_run_makes_the_rest_again() {
    let scene = Scene::new("exit 1");
    let project = &scene.project;
    let runs = ["one", "two", "three"].map(|content| scene.run(content));
    let before = tree(&project.state(""));
    let dry = gc(project, &["--keep-runs=2", "--dry-run"]);
    assert_eq!(tree(&project.state("")), before, "a dry run changes nothing");
    let text = project.pikaci(&["gc", "--keep-runs=2", "--dry-run"]).exits(0).stdout;
    assert!(text.starts_with("would remove 1 run: ") && text.contains("\nwould free "), "{text}");

    let done = gc(project, &["--keep-runs=2"]);
    assert_eq!((&dry["removed"], &dry["dry_run"], &done["dry_run"]), (&done["removed"], &true.into(), &false.into()));
    assert_eq!(removed(&done, "run"), [format!("runs/{}", runs[0])]);
    assert_eq!((removed(&done, "snapshot").len(), removed(&done, "leftover").len()), (1, 0));
    assert_eq!(project.runs(), runs[1..]);
    assert_eq!((scene.names("snapshots").len(), scene.names("flakes").len(), scene.roots()), (2, 1, 1));
    for args in [&["gc", "--keep-runs=2"][..], &["gc"]] {
        let nothing = project.pikaci(args).exits(0).stdout;
        assert_eq!(nothing, "nothing to remove\nkept 2 runs: 2 among the newest\n");
    }

    let all = project.pikaci(&["gc", "--keep-runs=0"]).exits(0).stdout;
    let lines: Vec<&str> = all.lines().collect();
    assert!(lines[0].starts_with("removed 2 runs: ") && lines[1].starts_with("removed 2 snapshots: "), "{all}");
    assert!(lines[2].starts_with("removed 1 flake: ") && lines[3].starts_with("removed 1 GC root: "), "{all}");
    assert!(lines.len() == 5 && lines[4].starts_with("freed "), "{all}");
    assert_eq!((scene.names("snapshots").len(), scene.names("flakes").len(), scene.roots()), (0, 0, 0));
    assert!(names(&project.state("")).iter().all(|name| !name.starts_with(".tmp-")));
    scene.run("three");
    assert_eq!((scene.names("snapshots").len(), scene.names("flakes").len(), scene.roots()), (1, 1, 1));
}

#[test]
fn old_runs_go_by_when_they_ended() {
    let (project, state) = empty();
    let shared = Digest::of(b"shared");
    for (id, ended) in [("1", "2001-01-01T00:00:00Z"), ("2", "2100-01-01T00:00:00Z")] {
        let run = Run::passed(&project, id);
        let mut record = json(&run.layout().record());
        record["finished_at"] = ended.into();
        state::write_json(Point::RunRecord, &run.layout().record(), &record).unwrap();
        let text = format!("{{\"one\":\"{}\",\"both\":\"{shared}\"}}", Digest::of(id.as_bytes()));
        fs::write(run.layout().plan(), text).unwrap();
        store(&state, &Digest::of(id.as_bytes()));
    }
    store(&state, &shared);
    let wrong = project.pikaci(&["gc", "--older-than=7 days"]).exits(2);
    assert!(wrong.stderr.contains("write it like 7d, 12h or 90m"), "{}", wrong.stderr);
    for none in [&["--older-than=9999999d"][..], &["--older-than=1d", "--keep-runs=2"], &[]] {
        assert!(removed(&gc(&project, none), "run").is_empty(), "{none:?}");
    }
    let done = gc(&project, &["--older-than=1d12h"]);
    assert_eq!((removed(&done, "run"), &done["kept"]["young"]), (vec!["runs/1"], &1.into()));
    assert_eq!([b"1", b"2"].map(|id| is_stored(&state, &Digest::of(id))), [false, true]);
    assert!(is_stored(&state, &shared));
}

#[test]
fn a_broken_record_is_named_and_kept_with_what_it_needs() {
    let (project, state) = empty();
    let runs = ["1", "2", "3", "4"].map(|id| Run::passed(&project, id));
    // A later pikaci's, and one of which half is there.
    let mut later = json(&runs[0].layout().record());
    later["schema_version"] = 99.into();
    state::write_json(Point::RunRecord, &runs[0].layout().record(), &later).unwrap();
    fs::write(runs[2].layout().record(), "{").unwrap();
    let needed = Digest::of(b"needed");
    fs::write(runs[2].layout().plan(), format!("{{\"nodes\":[{{\"flake_digest\":\"{needed}\",\"comm")).unwrap();
    for digest in [&needed, &Digest::of(b"other")] {
        store(&state, digest);
    }
    let done = project.pikaci(&["gc", "--keep-runs=0"]).exits(0).stdout;
    assert!(done.contains("\nkept 2 runs: 2 broken\nrun 1 is broken: "), "{done}");
    assert!(done.contains("has version 99") && done.contains("\nrun 3 is broken: decoding "), "{done}");
    let folder = project.state("runs/3");
    assert!(done.ends_with(&format!("\nhint: to lose it, rm -r {}\n", folder.display())), "{done}");
    assert_eq!(project.runs(), ["1", "3"]);
    assert!(is_stored(&state, &needed) && !is_stored(&state, &Digest::of(b"other")));
    assert_eq!(gc(&project, &[])["broken"][1]["run_id"], "3");
}

#[test]
fn what_killed_processes_left_is_gone_and_what_others_work_on_is_not() {
    let scene = Scene::new("sleep 600");
    let project = &scene.project;
    let mut running = Running::start(scene.programs.before(project.command(&["run"])));
    running.says("one: started\n");
    running.process("sleep");
    running.signal(Signal::KILL);
    running.ends("SIGKILL");
    let layout = StateLayout::new(project.state(""));
    let left = || tree(layout.root()).into_keys().filter(|name| name.contains(".tmp-")).collect::<Vec<_>>();
    assert!(!left().is_empty());
    let (free, held) = (Digest::of(b"free"), Digest::of(b"held"));
    let goes = [
        format!("snapshots/.tmp-{free}"),
        format!("flakes/.tmp-{free}-aB3"),
        format!("runners/{}/.0_{free}", scene.names("runners").first().unwrap()),
        format!("runners/{}/{free}.tmp-4711-12", scene.names("runners").first().unwrap()),
        "indexes/.tmp-aB3".to_owned(),
        format!("indexes/{free}"),
        format!("indexes/{free}.seal"),
        "runs/20261122-000000-0000".to_owned(),
    ];
    let stays =
        [".tmp-aB3", ".tmp-gc-aB3", &format!("flakes/.tmp-{held}-aB3"), "snapshots/mine"].map(ToOwned::to_owned);
    for path in goes.iter().chain(&stays) {
        fs::create_dir_all(project.state(path).join("folder")).unwrap();
    }
    let writing = FileLock::share_of_folder(&layout.folder()).unwrap();
    let lock = FileLock::exclusive(Point::FlakeLock, &layout.lock(&format!("flake-{held}"))).unwrap();
    let index = scene.names("indexes");
    let done = project.pikaci(&["gc"]).exits(0);
    assert!(done.stderr.ends_with(" was interrupted; its record says so now\n"), "{}", done.stderr);
    assert!(done.stdout.contains("removed 8 leftovers: ") && done.stdout.contains("kept 1 run: "), "{}", done.stdout);
    for (paths, is_there) in [(&goes[..], false), (&stays, true)] {
        for path in paths {
            assert_eq!(project.state(path).exists(), is_there, "{path}");
        }
    }
    assert_eq!(scene.names("indexes").len() + 3, index.len(), "what is known of the project's tree stays");
    drop((lock, writing));
    assert_eq!(removed(&gc(project, &[]), "leftover"), [&stays[2], &stays[0], &stays[1]]);
    assert_eq!(left(), [""; 0]);
}

#[test]
fn what_cannot_be_removed_is_named_and_the_rest_goes() {
    let (project, state) = empty();
    let [one, two] = [b"1", b"2"].map(|name| Digest::of(name));
    store(&state, &one);
    store(&state, &two);
    // A place where something is mounted can't be moved.
    let mounted = state.snapshot(&one);
    let pikaci = project.command(&["gc"]);
    let mut bwrap = Command::new("bwrap");
    bwrap.args(["--bind", "/", "/", "--dev", "/dev", "--ro-bind"]).arg(&*mounted).arg(&*mounted).arg("--chdir");
    bwrap.arg(project.path(".")).arg(pikaci.get_program()).args(pikaci.get_args());
    let done = ran(&mut bwrap).exits(1);
    let named = format!("snapshots/{one} stays: moving {} away: ", mounted.display());
    assert!(
        done.stderr.starts_with(&named) && done.stderr.contains("\nerror: 1 thing couldn't be removed\nhint: "),
        "{}",
        done.stderr
    );
    assert!(done.stdout.contains("removed 1 snapshot: "), "{}", done.stdout);
    assert_eq!(removed(&gc(&project, &[]), "snapshot"), [format!("snapshots/{one}")]);
    assert!(!is_stored(&state, &one) && !is_stored(&state, &two));
}

#[test]
fn a_state_folder_that_is_missing_or_cannot_be_written_is_told() {
    let project = Project::new(JOB_FILE);
    assert_eq!(project.pikaci(&["gc"]).exits(0).stdout, "nothing to remove\n");
    assert!(!project.state("").exists());
    let (project, state) = empty();
    store(&state, &Digest::of(b""));
    let read_only = |args: &[&str]| -> Ran {
        let pikaci = project.command(args);
        let mut bwrap = Command::new("bwrap");
        bwrap.args(["--ro-bind", "/", "/", "--dev", "/dev", "--chdir"]).arg(project.path("."));
        ran(bwrap.arg(pikaci.get_program()).args(pikaci.get_args()))
    };
    let told = read_only(&["gc"]).exits(1);
    assert!(told.stderr.contains("Read-only file system") && told.stderr.contains("\nhint: "), "{}", told.stderr);
    assert!(read_only(&["gc", "--dry-run"]).exits(0).stdout.starts_with("would remove 1 snapshot: "));
    fs::remove_file(project.state("version")).unwrap();
    let foreign = project.pikaci(&["gc"]).exits(1);
    assert!(foreign.stderr.contains("its file `version` is lost"), "{}", foreign.stderr);
    assert!(is_stored(&state, &Digest::of(b"")));
}
