//! `pikaci gc` at the same time as runs with runners.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use pikaci::id::Digest;
use pikaci::state::StateLayout;

use crate::support::gc_loop::gc_until;
use crate::support::processes::Running;
use crate::support::project::{Project, ran};
use crate::support::stand_in::StandIns;
use crate::support::tools::nix;

const JOB_FILE: &str = r#"{ jobs.one.command = "true"; }"#;

/// Runs several projects that share a state folder and change before each run, while gc removes everything that it may.
#[track_caller]
fn run_beside_gc(gc: &[&str], check: &(dyn Fn(&Path) + Sync)) {
    let programs = StandIns::new().script("qemu-system-x86_64", "exit 1");
    let folder = Project::with_nix(JOB_FILE);
    let state = folder.path("state");
    let is_over = AtomicBool::new(false);
    let run_all = |name: &str| {
        let project = Project::with_nix(JOB_FILE);
        for round in 0..4 {
            fs::write(project.path("file"), format!("{name} {round}")).unwrap();
            let mut run = programs.before(project.command(&["run"]));
            let ran = ran(run.arg("--state-root").arg(&state)).exits(102);
            // The guest got as far as it can: its snapshot and its runner exist.
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
fn runs_pass_beside_a_gc_that_keeps_nothing() {
    run_beside_gc(&["--keep-runs=0"], &|state| {
        let project = Project::with_nix(JOB_FILE);
        let mut gc = project.command(&["gc", "--keep-runs=0", "--state-root"]);
        ran(gc.arg(state)).exits(0);
        for folder in ["runs", "snapshots", "flakes"] {
            assert_eq!(fs::read_dir(state.join(folder)).unwrap().count(), 0, "{folder}");
        }
    });
}

/// A waiting build keeps a run running, with its snapshot, flake and folder of roots.
#[test]
fn gc_keeps_the_files_of_a_running_run() {
    let project = Project::with_nix(JOB_FILE);
    // A confined Nix sees this folder.
    let go = project.state("nix/go");
    let waiting = format!(
        "[ \"$1\" = build ] && while [ ! -e '{}' ]; do sleep 0.1; done\nexec {} \"$@\"",
        go.display(),
        nix("oldest").display()
    );
    let programs = StandIns::new().script("nix", &waiting).script("qemu-system-x86_64", "exit 1");
    let mut running = Running::start(&programs.before(project.command(&["run"])));
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
