//! Runs that are asked to end, politely or not: their records end, and nothing of them stays.

use std::io::Write as _;

use pikaci::failpoint::Point;
use pikaci::record::{Outcome, RunRecord};
use pikaci::state::{self, FileLock, StateLayout};
use rustix::process::{Signal, kill_process};

use crate::checking::tree;
use crate::processes::Running;
use crate::project::{Project, Ran, json, nix};
use crate::stand_in::StandIns;

/// One job that takes its time, and one that waits for it with `-j1`.
const JOBS: &str = r#"{
  jobs.a-long = {
    command = "trap 'echo asked to end >&2; echo kept >kept; exit 0' TERM; echo started; sleep 600 & wait";
    timeout = "10m"; artifacts = [ "kept" ];
  };
  jobs.b-next = { command = "echo next"; };
}"#;

/// Asserts that the run was cancelled, with each of its jobs.
#[track_caller]
fn cancelled(project: &Project, ran: Ran, code: i32, by: &str) {
    let ran = ran.exits(code);
    let record = project.record();
    assert_eq!(record.status.outcome(), Some(Outcome::Cancelled));
    assert_eq!(record.message.as_deref(), Some(format!("cancelled by {by}").as_str()));
    assert!(record.finished_at.is_some());
    assert!(ran.stdout.contains(&format!("run {} cancelled in ", record.info.run_id)), "{}", ran.stdout);
    for job in &record.jobs {
        let job = project.job(job.id.as_str());
        assert_eq!(job.status.outcome(), Some(Outcome::Cancelled), "{job:?}");
        assert_eq!(job.reason.message.as_deref(), Some("the run was cancelled"));
        assert!(job.finished_at.is_some());
    }
}

/// Waits until the first job's command runs, with all that it takes.
#[track_caller]
fn in_mid_job(running: &mut Running, project: &Project) {
    running.prints(project, "a-long", "started");
    for program in ["qemu-system-x86_64", "bwrap", "virtiofsd"] {
        running.process(program);
    }
}

#[test]
fn a_signal_ends_the_run_as_cancelled() {
    let project = Project::new(JOBS);
    for (signal, to_group, code, name) in
        [(Signal::INT, true, 130, "SIGINT"), (Signal::TERM, false, 143, "SIGTERM"), (Signal::HUP, true, 129, "SIGHUP")]
    {
        let mut running = Running::start(project.command(&["run", "-j1"]));
        in_mid_job(&mut running, &project);
        if to_group {
            running.signal_group(signal);
        } else {
            running.signal(signal);
        }
        cancelled(&project, running.ends(name), code, name);
        asked(&project);
    }
}

/// Asserts that the job that ran was asked to end and could say its last words.
#[track_caller]
fn asked(project: &Project) {
    let job = project.job("a-long");
    assert_eq!((project.output("a-long").as_str(), job.artifacts), ("started\nasked to end\n", 1), "{job:?}");
}

#[test]
fn ctrl_c_at_a_terminal_ends_the_run_and_so_does_a_command_from_another_one() {
    let project = Project::new(JOBS);
    let (mut running, mut terminal) = Running::start_at_terminal(&project.command(&["run", "-j1"]));
    in_mid_job(&mut running, &project);
    terminal.write_all(b"\x03").unwrap();
    cancelled(&project, running.ends("Ctrl-C"), 130, "SIGINT");
    asked(&project);

    project.pikaci(&["cancel"]).exits(4);
    let mut running = Running::start(project.command(&["run", "-j1"]));
    in_mid_job(&mut running, &project);
    let cancel = project.pikaci(&["cancel"]).exits(0);
    let id = project.record().info.run_id;
    assert_eq!(cancel.stderr, format!("run {id} is asked to end\nrun {id} cancelled\n"));
    cancelled(&project, running.ends("pikaci cancel"), 130, "pikaci cancel");
    asked(&project);
    let over = project.pikaci(&["cancel", "latest"]).exits(4).stderr;
    assert!(over.contains(&format!("run {id} has ended already: cancelled")), "{over}");
}

#[test]
fn a_second_signal_waits_for_nothing() {
    let project = Project::new(JOBS);
    let mut running = Running::start(project.command(&["run", "-j1"]));
    in_mid_job(&mut running, &project);
    // It hears no polite request any more.
    kill_process(running.process("qemu-system-x86_64"), Signal::STOP).unwrap();
    running.signal(Signal::INT);
    running.says("SIGINT: ending the jobs that run");
    running.signal(Signal::INT);
    cancelled(&project, running.ends("second SIGINT"), 130, "SIGINT");
}

/// The real Nix, whose real build of something else takes 10 minutes.
fn slow_builds(project: &Project) -> StandIns {
    let real = nix("oldest");
    let derivation = format!(
        r#"derivation {{ name = "slow"; system = "x86_64-linux"; builder = "/bin/sh";
        args = [ "-c" "sleep 600" "{}" ]; }}"#,
        project.path("").display()
    );
    let script = format!(
        "[ \"$1\" = build ] || exec {0} \"$@\"\nexec {0} build --no-link -L --impure --expr '{derivation}'",
        real.display()
    );
    StandIns::new().script("nix", &script)
}

/// Waits until the builder of [`slow_builds`] runs.
#[track_caller]
fn builds(running: &mut Running) {
    // The sandbox calls busybox so, and it is its `sleep` too.
    running.process("sh");
}

#[test]
fn a_build_is_cancelled_with_its_builder() {
    let project = Project::new(JOBS);
    let instead = slow_builds(&project);
    let mut running = Running::start(instead.before(project.command(&["run"])));
    builds(&mut running);
    running.signal_group(Signal::INT);
    cancelled(&project, running.ends("SIGINT in a build"), 130, "SIGINT");
    assert_eq!(project.record().prepares[0].status.outcome(), Some(Outcome::Cancelled));
}

#[test]
fn a_build_of_a_killed_run_ends_and_is_recorded_by_the_next_command() {
    let project = Project::new(JOBS);
    let instead = slow_builds(&project);
    let mut running = Running::start(instead.before(project.command(&["run"])));
    builds(&mut running);
    running.signal(Signal::KILL);
    assert_eq!(running.ends("SIGKILL in a build").code, None);
    let record = recovered(&project);
    assert_eq!(record.prepares[0].status.outcome(), Some(Outcome::Errored));
    assert!(record.prepares[0].finished_at.is_some());
}

#[test]
fn a_killed_run_leaves_nothing_alive_and_is_recorded_by_the_next_command() {
    let project = Project::new(JOBS);
    let mut running = Running::start(project.command(&["run", "-j1"]));
    in_mid_job(&mut running, &project);
    running.signal(Signal::KILL);
    assert_eq!(running.ends("SIGKILL").code, None);
    let record = recovered(&project);
    let [long, next] = [0, 1].map(|place| json(&project.state(&record.jobs[place].status_path)));
    let interrupted = "interrupted: pikaci was killed or the machine went down";
    assert_eq!((&long["status"], &long["message"]), (&"errored".into(), &interrupted.into()));
    assert_eq!(
        (&next["status"], &next["message"]),
        (&"cancelled".into(), &"the run was interrupted before it began".into())
    );
    assert!(long["finished_at"].is_string() && next["finished_at"].is_string());
    // Its disks had gigabytes.
    let left = tree(&project.state(&record.jobs[0].status_path).with_file_name("attempts/1"));
    assert_eq!(left.into_keys().collect::<Vec<_>>(), ["", "console.log", "guest.log", "host.log"]);
}

/// Runs the next command, asserts that it passes and has ended the record of the killed run, and returns that.
#[track_caller]
fn recovered(project: &Project) -> RunRecord {
    let killed = project.last_run().join("run.json");
    let read = || serde_json::from_value::<RunRecord>(json(&killed)).unwrap();
    let before = read();
    assert_eq!((before.status.outcome(), before.finished_at), (None, None));
    let ran = project.pikaci(&["run", "b-next"]).exits(0);
    let told = format!("run {} was interrupted; its record says so now\n", before.info.run_id);
    assert!(ran.stderr.contains(&told), "{}", ran.stderr);
    let after = read();
    assert_eq!(after.status.outcome(), Some(Outcome::Errored));
    assert!(after.finished_at.is_some());
    assert_eq!(after.message.as_deref(), Some("interrupted: pikaci was killed or the machine went down"));
    assert!(after.jobs.iter().all(|job| job.status.outcome().is_some()), "{:?}", after.jobs);
    after
}

/// As `nohup` and a shell's `&` leave it.
#[test]
fn an_ignored_signal_stays_ignored() {
    let project = Project::new(JOBS);
    let _held = hold_runner(&project);
    for (ignored, signals) in [("HUP", &[Signal::HUP][..]), ("HUP INT", &[Signal::HUP, Signal::INT])] {
        let pikaci = project.command(&["run"]);
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", &format!("trap '' {ignored}; exec \"$0\" \"$@\"")]).arg(pikaci.get_program());
        shell.args(pikaci.get_args()).current_dir(project.path("."));
        shell.envs(pikaci.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let mut running = Running::start(shell);
        running.says(": 2 jobs\n");
        for signal in signals {
            running.signal(*signal);
        }
        running.signal(Signal::TERM);
        cancelled(&project, running.ends(ignored), 143, "SIGTERM");
    }
}

#[test]
fn a_run_that_waits_for_another_ones_build_can_be_cancelled() {
    let project = Project::new(JOBS);
    let _held = hold_runner(&project);
    let mut running = Running::start(project.command(&["run"]));
    running.says(": 2 jobs\n");
    running.signal(Signal::INT);
    cancelled(&project, running.ends("SIGINT while waiting"), 130, "SIGINT");
}

/// A run without a runner, in the moment between the end of its last job and its own.
#[cfg(feature = "failpoints")]
fn about_to_end(project: &Project) -> (Running, StandIns) {
    let nix = StandIns::new().script("nix", crate::stand_in::FAILING_NIX);
    let mut command = nix.before(project.command(&["run"]));
    command.env("FAILPOINTS", "engine.ended=sleep(3000)");
    let mut running = Running::start(command);
    running.says("b-next: skipped");
    (running, nix)
}

#[cfg(feature = "failpoints")]
#[test]
fn a_signal_after_the_last_job_changes_nothing() {
    let project = Project::new(JOBS);
    let (running, _nix) = about_to_end(&project);
    running.signal(Signal::INT);
    running.ends("late SIGINT").exits(101);
    let record = project.record();
    assert_eq!((record.status.outcome(), record.message, record.cancelled_by), (Some(Outcome::Errored), None, None));
}

#[cfg(feature = "failpoints")]
#[test]
fn an_end_that_cannot_be_recorded_is_told_with_all_that_went_before() {
    let project = Project::new(JOBS);
    let (running, _nix) = about_to_end(&project);
    let events = project.last_run().join("events.jsonl");
    std::fs::rename(&events, project.path("events")).unwrap();
    std::fs::create_dir(&events).unwrap();
    let ran = running.ends("lost events").exits(101);
    assert!(ran.stdout.contains("this nix builds nothing") && ran.stdout.contains(" 2 skipped"), "{}", ran.stdout);
    let lost = "error: the end of the run isn't recorded: recording the run failed: appending to ";
    assert!(ran.stderr.contains(lost) && ran.stderr.contains("\nhint: see that "), "{}", ran.stderr);
}

/// Has every run wait for another one's build of the project's only runner.
#[track_caller]
fn hold_runner(project: &Project) -> FileLock {
    let plan = project.pikaci(&["plan", "--format", "json"]).exits(0);
    let plan: serde_json::Value = serde_json::from_str(&plan.stdout).unwrap();
    let digest = plan["nodes"][0]["prepare"]["flake_digest"].as_str().expect("the first node prepares").to_owned();
    state::open(&project.state("")).unwrap();
    let lock = StateLayout::new(project.state("")).lock(&format!("flake-{digest}"));
    FileLock::exclusive(Point::FlakeLock, &lock).unwrap()
}
