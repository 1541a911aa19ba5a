//! Several runs in a project at the same time.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use pikaci::event::Outcome;
use pikaci::record::RunRecord;

use crate::support::gc_loop::gc_until;
use crate::support::kill_scenes::PASSES;
use crate::support::killing::all;
use crate::support::project::{Project, json, ran};
use crate::support::stand_in::StandIns;

/// Three of the first twenty runs boot their guest; the guests of the others pass without any boot. The rest is real:
/// one build, the daemons of the shares, jobs without a guest.
#[test]
fn twenty_concurrent_runs_pass_beside_a_gc_loop() {
    let project = Project::with_guests(
        r#"{
          guests.here.base = "none";
          jobs.here = { command = "cp file out.txt"; artifacts = [ "*.txt" ]; guest = "here"; network = true; };
          jobs.guest.command = "cat file";
        }"#,
    );
    // A unique guest, which Nix has to build.
    let (own, quick) = (StandIns::new().own_busybox(), StandIns::new());
    let quick = quick.script("qemu-system-x86_64", &format!("{PASSES} >&6"));
    let (trace, state) = (tempfile::NamedTempFile::new().unwrap(), project.state(""));
    let run = |boots: bool| {
        let run = own.before(project.command(&["run"]));
        let mut run = if boots { run } else { quick.before(run) };
        ran(run.env("PIKACI_TEST_TRACE", trace.path())).exits(0);
    };
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let collectors = [(); 2].map(|()| scope.spawn(|| gc_until(&state, &["--older-than=1h"], &is_over)));
        let waves = scope.spawn(|| {
            for booted in [3, 0] {
                fs::write(project.path("file"), format!("{booted} boot\n")).unwrap();
                std::thread::scope(|wave| {
                    for number in 0..20 {
                        let run = &run;
                        wave.spawn(move || run(number < booted));
                    }
                });
            }
        });
        let ended = waves.join();
        is_over.store(true, Ordering::Relaxed);
        let collected: usize = collectors.into_iter().map(|collector| collector.join().unwrap()).sum();
        assert!(ended.is_ok() && collected > 4, "{collected} times");
    });
    let trace = fs::read_to_string(trace.path()).unwrap();
    let count = |moment: &str| trace.lines().filter(|line| *line == moment).count();
    assert_eq!(count("run.renamed"), 40);
    assert_eq!((count("spawn.nix.after"), count("flake.renamed"), count("snapshot.renamed")), (1, 1, 2));
    assert_whole(&project, 40);
    let mut rerun = quick.before(own.before(project.command(&["rerun", &project.runs()[0], "--accel=tcg"])));
    ran(&mut rerun).exits(0);
}

/// Asserts that there are this many runs, that all passed, and that the state folder has exactly the files that they
/// need.
#[track_caller]
fn assert_whole(project: &Project, count: usize) {
    project.pikaci(&["gc"]).exits(0);
    let state = project.state("");
    let runs = project.runs();
    assert_eq!(runs.len(), count);
    for run in runs.iter().map(|run| state.join("runs").join(run)) {
        let record: RunRecord = serde_json::from_value(json(&run.join("run.json"))).unwrap();
        assert_eq!(record.status.outcome(), Some(Outcome::Passed));
        let plan = json(&run.join("plan.json"));
        let file = fs::read_to_string(state.join(&record.source.snapshot_dir).join("file")).unwrap();
        assert_eq!(fs::read_to_string(run.join("jobs/here/attempts/1/artifacts/out.txt")).unwrap(), file);
        for job in &record.jobs {
            assert_eq!(json(&state.join(&job.status_path))["status"], "passed");
        }
        let flake = plan["nodes"].as_array().unwrap().iter().find_map(|node| node["prepare"]["flake_digest"].as_str());
        assert!(state.join("flakes").join(flake.unwrap()).join("flake.nix").exists());
        assert!(fs::read_dir(record.prepares[0].runner.as_ref().unwrap()).is_ok());
    }
    let left: Vec<_> = all(&state).into_iter().filter(|path| path.to_string_lossy().contains("/.tmp-")).collect();
    assert!(left.is_empty(), "{left:#?}");
}
