//! `pikaci gc` on runs with runners.

use std::collections::BTreeSet;
use std::fs;
use std::time::Instant;

use pikaci::failpoint::Point;
use pikaci::id::Digest;
use pikaci::state::{FileLock, StateLayout};
use rustix::process::Signal;

use crate::support::checking::tree;
use crate::support::processes::{END, Running};
use crate::support::project::{Project, Ran, ran};
use crate::support::stand_in::StandIns;
use crate::support::stored::{JOB_FILE, empty, gc, is_stored, names, removed, store};
use crate::support::tools::tool_command;

/// A project, and a QEMU that boots nothing.
struct Scene {
    project: Project,
    programs: StandIns,
}

impl Scene {
    fn new(qemu: &str) -> Self {
        let programs = StandIns::new().script("qemu-system-x86_64", qemu);
        Self { project: Project::with_nix(JOB_FILE), programs }
    }

    /// Runs the job on a tree with this content, and returns the id of the run.
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

#[test]
fn gc_keeps_the_newest_runs_with_their_files_and_later_runs_make_the_rest_again() {
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
fn gc_removes_leftovers_of_killed_processes_but_no_files_in_use() {
    let scene = Scene::new("sleep 600");
    let project = &scene.project;
    let mut running = Running::start(&scene.programs.before(project.command(&["run"])));
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
    let writing = FileLock::share_folder(&layout.folder()).unwrap();
    let lock = FileLock::exclusive(Point::FlakeLock, &layout.flake_lock(&held)).unwrap();
    let index = scene.names("indexes");
    let done = project.pikaci(&["gc"]).exits(0);
    assert!(done.stderr.ends_with(" was interrupted; its end is now recorded\n"), "{}", done.stderr);
    assert!(done.stdout.contains("removed 8 leftovers: ") && done.stdout.contains("kept 1 run: "), "{}", done.stdout);
    for (paths, is_there) in [(&goes[..], false), (&stays, true)] {
        for path in paths {
            assert_eq!(project.state(path).exists(), is_there, "{path}");
        }
    }
    assert_eq!(scene.names("indexes").len() + 3, index.len(), "the index of the project's tree stays");
    drop((lock, writing));
    // A program that another test starts may share both locks for a moment.
    let deadline = Instant::now() + END;
    while removed(&gc(project, &["--dry-run"]), "leftover").len() < 3 {
        assert!(Instant::now() < deadline, "the locks are still held");
    }
    assert_eq!(removed(&gc(project, &[]), "leftover"), [&stays[2], &stays[0], &stays[1]]);
    assert_eq!(left(), [""; 0]);
}

#[test]
fn gc_names_files_that_it_cannot_remove_and_removes_the_rest() {
    let (project, state) = empty();
    let [one, two] = [b"1", b"2"].map(|name| Digest::of(name));
    store(&state, &one);
    store(&state, &two);
    // A folder on which something is mounted can't be moved.
    let mounted = state.snapshot(&one);
    let pikaci = project.command(&["gc"]);
    let mut bwrap = tool_command("bwrap");
    bwrap.args(["--bind", "/", "/", "--dev", "/dev", "--ro-bind"]).arg(&*mounted).arg(&*mounted).arg("--chdir");
    bwrap.arg(project.path(".")).arg(pikaci.get_program()).args(pikaci.get_args());
    let done = ran(&mut bwrap).exits(1);
    let named = format!("snapshots/{one} stays: moving {} to the trash: ", mounted.display());
    assert!(
        done.stderr.starts_with(&named) && done.stderr.contains("\nerror: 1 item couldn't be removed\nhint: "),
        "{}",
        done.stderr
    );
    assert!(done.stdout.contains("removed 1 snapshot: "), "{}", done.stdout);
    assert_eq!(removed(&gc(&project, &[]), "snapshot"), [format!("snapshots/{one}")]);
    assert!(!is_stored(&state, &one) && !is_stored(&state, &two));
}

#[test]
fn gc_reports_a_missing_or_read_only_state_folder() {
    let project = Project::with_nix(JOB_FILE);
    assert_eq!(project.pikaci(&["gc"]).exits(0).stdout, "nothing to remove\n");
    assert!(!project.state("").exists());
    let (project, state) = empty();
    store(&state, &Digest::of(b""));
    let read_only = |args: &[&str]| -> Ran {
        let pikaci = project.command(args);
        let mut bwrap = tool_command("bwrap");
        bwrap.args(["--ro-bind", "/", "/", "--dev", "/dev", "--chdir"]).arg(project.path("."));
        ran(bwrap.arg(pikaci.get_program()).args(pikaci.get_args()))
    };
    let ended = read_only(&["gc"]).exits(1);
    assert!(ended.stderr.contains("Read-only file system") && ended.stderr.contains("\nhint: "), "{}", ended.stderr);
    assert!(read_only(&["gc", "--dry-run"]).exits(0).stdout.starts_with("would remove 1 snapshot: "));
    fs::remove_file(project.state("version")).unwrap();
    let foreign = project.pikaci(&["gc"]).exits(1);
    assert!(foreign.stderr.contains("its file `version` was lost"), "{}", foreign.stderr);
    assert!(is_stored(&state, &Digest::of(b"")));
}
