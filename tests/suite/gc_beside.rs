//! `pikaci gc` beside runs: what one needs that begins, or is running, stays.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use pikaci::id::Digest;
use pikaci::state::gc::{Claim, Turn};
use pikaci::state::{self, StateLayout};

use crate::processes::Running;
use crate::project::{Project, nix, ran};
use crate::stand_in::StandIns;

const JOB_FILE: &str = r#"{ jobs.one.command = "true"; }"#;

/// Runs gc until something else is over, and returns how often.
pub fn gc_until(state: &Path, args: &[&str], is_over: &AtomicBool) -> usize {
    let project = Project::new(JOB_FILE);
    let mut count = 0;
    while !is_over.load(Ordering::Relaxed) {
        let mut gc = project.command(&[&["gc"], args].concat());
        let done = ran(gc.arg("--state-root").arg(state)).exits(0);
        assert_eq!(done.stderr.replace("waiting for another pikaci gc\n", ""), "");
        count += 1;
    }
    count
}

/// Has projects, of which each changes for each of its runs, share a state folder, and gc remove all it may meanwhile.
#[track_caller]
fn run_beside_gc(gc: &[&str], check: &(dyn Fn(&Path) + Sync)) {
    let programs = StandIns::new().script("qemu-system-x86_64", "exit 1");
    let folder = Project::new(JOB_FILE);
    let state = folder.path("state");
    let is_over = AtomicBool::new(false);
    let run_all = |name: &str| {
        let project = Project::new(JOB_FILE);
        for round in 0..4 {
            fs::write(project.path("file"), format!("{name} {round}")).unwrap();
            let mut run = programs.before(project.command(&["run"]));
            let ran = ran(run.arg("--state-root").arg(&state)).exits(102);
            // The guest got as far as it can: its snapshot and its runner were there.
            assert!(ran.stdout.contains("QEMU ended with exit code 1"), "{}\n{}", ran.stdout, ran.stderr);
        }
    };
    std::thread::scope(|scope| {
        let collectors = [(); 2].map(|()| scope.spawn(|| gc_until(&state, gc, &is_over)));
        let runs = ["a", "b", "c"].map(|name| scope.spawn(move || run_all(name)));
        let ended = runs.map(std::thread::ScopedJoinHandle::join);
        is_over.store(true, Ordering::Relaxed);
        assert!(ended.into_iter().all(|ended| ended.is_ok()));
        assert!(collectors.into_iter().map(|collector| collector.join().unwrap()).sum::<usize>() > 4);
    });
    check(&state);
}

#[test]
fn runs_get_what_they_need_beside_a_gc_that_keeps_nothing() {
    run_beside_gc(&["--keep-runs=0"], &|state| {
        let project = Project::new(JOB_FILE);
        let mut gc = project.command(&["gc", "--keep-runs=0", "--state-root"]);
        ran(gc.arg(state)).exits(0);
        for folder in ["runs", "snapshots", "flakes"] {
            assert_eq!(fs::read_dir(state.join(folder)).unwrap().count(), 0, "{folder}");
        }
    });
}

/// One that makes the state folder when others have made it already and collect.
#[cfg(feature = "failpoints")]
#[test]
fn what_somebody_writes_right_now_stays() {
    let project = Project::new(r#"{ guests.default.base = "none"; jobs.a = { command = "true"; network = true; }; }"#);
    let mut slow = project.command(&["run"]);
    slow.env("FAILPOINTS", "state.version.synced=sleep(4000)");
    let slow = Running::start(slow);
    let temporary = || {
        let entries = fs::read_dir(project.state("")).into_iter().flatten().map(|entry| entry.unwrap().file_name());
        entries.filter(|name| name.to_string_lossy().starts_with(".tmp-")).collect::<Vec<_>>()
    };
    let began = Instant::now();
    while !project.state("CACHEDIR.TAG").exists() || temporary().is_empty() {
        assert!(began.elapsed() < crate::processes::START, "it doesn't come to write the version");
        std::thread::sleep(Duration::from_millis(10));
    }
    project.pikaci(&["run"]).exits(0);
    project.pikaci(&["gc"]).exits(0);
    slow.ends("a run that makes the state folder").exits(0);
    assert!(temporary().is_empty());
}

/// A build that waits shows a run that is running, and its snapshot, flake and folder of roots.
#[test]
fn what_a_running_run_needs_stays() {
    let project = Project::new(JOB_FILE);
    // A confined Nix sees this folder.
    let go = project.state("nix/go");
    let waiting = format!(
        "[ \"$1\" = build ] && while [ ! -e '{}' ]; do sleep 0.1; done\nexec {} \"$@\"",
        go.display(),
        nix("oldest").display()
    );
    let programs = StandIns::new().script("nix", &waiting).script("qemu-system-x86_64", "exit 1");
    let mut running = Running::start(programs.before(project.command(&["run"])));
    running.process("sleep");
    let state = StateLayout::new(project.state(""));
    let unneeded = Digest::of(b"unneeded");
    fs::create_dir(state.snapshot(&unneeded)).unwrap();
    let done = project.pikaci(&["gc", "--keep-runs=0"]).exits(0).stdout;
    assert!(done.starts_with("removed 1 snapshot: ") && done.ends_with("\nkept 1 run: 1 running\n"), "{done}");
    fs::write(go, "").unwrap();
    let ran = running.ends("a build beside gc").exits(102);
    assert!(ran.stdout.contains("QEMU ended with exit code 1"), "{}", ran.stdout);
}

/// It has no plan yet, and may count on what it has seen.
#[test]
fn what_a_run_may_need_that_begins_stays() {
    let project = Project::new(JOB_FILE);
    let state = state::open(&project.state("")).unwrap();
    let snapshot = state.snapshot(&Digest::of(b""));
    fs::create_dir_all(&snapshot).unwrap();
    let claim = Claim::take(&state).unwrap();
    let gc = Running::start(project.command(&["gc"]));
    std::thread::sleep(Duration::from_millis(700));
    assert!(snapshot.exists());
    drop(claim);
    let done = gc.ends("gc after a claim").exits(0);
    assert!(!snapshot.exists() && done.stdout.starts_with("removed 1 snapshot: "), "{}", done.stdout);
}

#[test]
fn a_run_does_not_wait_for_what_a_gc_removes_and_another_gc_does() {
    let project = Project::new(JOB_FILE);
    let state = state::open(&project.state("")).unwrap();
    let turn = Turn::try_take(&state).unwrap().unwrap();
    let began = Instant::now();
    drop(Claim::take(&state).unwrap());
    assert!(began.elapsed() < Duration::from_secs(1) && Turn::try_take(&state).unwrap().is_none());
    let mut gc = Running::start(project.command(&["gc"]));
    gc.says("waiting for another pikaci gc\n");
    drop(turn);
    assert_eq!(gc.ends("the second gc").exits(0).stdout, "nothing to remove\n");
}
