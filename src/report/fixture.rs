//! Hand-made records for the tests of reports.

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

use super::Clock;
use crate::event::{
    DeclaredJob, Event, EventKind, JobEnd, JobExit, JobFinished, LogPaths, Outcome, Reason, RunSelection, RunSource,
    RunStarted,
};
use crate::id::{JobId, NodeId, RecordedPath, RunId, TargetId};
use crate::record::History;

const START: &str = "2026-11-22T10:15:00Z";

/// Returns a clock 200 s after the start of these runs, two hours east of Greenwich.
pub fn clock() -> Clock {
    Clock { now: after(200_000), zone: TimeZone::fixed(Offset::constant(2)) }
}

/// Returns a run in which one job passed, one failed, one errored and one was skipped.
pub fn finished() -> History {
    let mut history = begun("20261122-101500-4f2a31", &["build", "unit tests", "emulate", "deploy"]);
    let node = NodeId::new("prepare:0a1b2c3d4e5f");
    apply(&mut history, 100, EventKind::PrepareStarted { node: node.clone(), log_path: place("runs/1/prepare.log") });
    let runner = Some("/nix/store/runner".to_owned());
    let outcome = Outcome::Passed;
    apply(&mut history, 900, EventKind::PrepareFinished { node, outcome, runner, reason: Reason::default() });
    apply(&mut history, 950, accelerator());
    start(&mut history, "build");
    let mut artifacts = ended("build", Outcome::Passed, Some(0), Reason::default());
    artifacts.end.artifacts.artifacts = 2;
    apply(&mut history, 5_200, EventKind::JobFinished(Box::new(artifacts)));
    start(&mut history, "unit tests");
    let failed = Reason { message: Some("the command ended with exit code 2".to_owned()), ..Reason::default() };
    let failed = ended("unit tests", Outcome::Failed, Some(2), failed);
    apply(&mut history, 20_000, EventKind::JobFinished(Box::new(failed)));
    start(&mut history, "emulate");
    let mut panic =
        Reason::new("the guest's kernel panicked while it booted", "pikaci logs --job emulate --kind console");
    panic.evidence = vec!["Kernel panic - not syncing: no \u{1b}[1minit\u{1b}[0m".to_owned()];
    let mut panic = ended("emulate", Outcome::Errored, None, panic);
    panic.end.log.log_cut = true;
    apply(&mut history, 30_000, EventKind::JobFinished(Box::new(panic)));
    let skipped = Reason { message: Some("it needs unit tests, which didn't pass".to_owned()), ..Reason::default() };
    let skipped = ended("deploy", Outcome::Skipped, None, skipped);
    apply(&mut history, 30_000, EventKind::JobFinished(Box::new(skipped)));
    apply(&mut history, 65_000, EventKind::RunFinished { outcome: Outcome::Errored, message: None });
    history
}

/// Returns a run in which one job passed, one is running and one is queued.
pub fn running() -> History {
    let mut history = begun("20261122-101500-9c0d1e", &["build", "unit tests", "deploy"]);
    apply(&mut history, 950, accelerator());
    start(&mut history, "build");
    let passed = ended("build", Outcome::Passed, Some(0), Reason::default());
    apply(&mut history, 5_200, EventKind::JobFinished(Box::new(passed)));
    start(&mut history, "unit tests");
    let job = JobId::new("unit tests");
    apply(&mut history, 5_000, EventKind::JobPhase { job, phase: "job".to_owned(), uptime_ms: Some(2_700) });
    history
}

/// Returns a run of these jobs before any of them started.
pub fn begun(id: &str, jobs: &[&str]) -> History {
    let declared = |name: &&str| DeclaredJob {
        id: JobId::new(*name),
        description: format!("The job {name}"),
        executor: "vm".to_owned(),
        plan_node_id: NodeId::new(format!("execute:{name}")),
        timeout_secs: 600,
        steps: Vec::new(),
        services: Vec::new(),
    };
    let source = RunSource {
        rerun_of: None,
        target_id: TargetId::new("pre-merge"),
        target_description: Some("What has to pass".to_owned()),
        source_root: "/p".to_owned(),
        snapshot_dir: place("snapshots/0"),
        git_head: Some("0123456789abcdef0123456789abcdef01234567".to_owned()),
        git_dirty: Some(true),
    };
    let selection = RunSelection {
        plan_path: place(&format!("runs/{id}/plan.json")),
        changed_files: None,
        filters: vec!["pre-merge".to_owned()],
    };
    let start =
        RunStarted::new(RunId::new(id), source, selection, None, jobs.iter().map(declared).collect(), Vec::new());
    History::begin(after(0), &start, |job| place(&format!("runs/{id}/jobs/{job}/status.json")))
}

/// Applies the start of a job, a second after its run.
pub fn start(history: &mut History, job: &str) {
    let folder = format!("runs/{}/jobs/{}/attempts/1", history.run.run_id, job.replace(' ', "+20"));
    let [host, guest, console] = ["host", "guest", "console"].map(|name| place(&format!("{folder}/{name}.log")));
    let logs = LogPaths { host, guest, console: Some(console) };
    apply(history, 1_000, EventKind::JobStarted { job: JobId::new(job), attempt: 1, logs });
}

/// Returns the end of a job.
pub fn ended(job: &str, outcome: Outcome, exit_code: Option<i32>, reason: Reason) -> JobFinished {
    JobFinished { job: JobId::new(job), end: JobEnd::without_output(outcome, JobExit { exit_code, reason }) }
}

/// Returns a path in the state folder.
pub fn place(text: &str) -> RecordedPath {
    RecordedPath::try_from(text.to_owned()).unwrap()
}

/// Applies an event some milliseconds after the start of the run.
pub fn apply(history: &mut History, millis: i64, kind: EventKind) {
    history.apply(&Event { at: after(millis), kind });
}

/// Returns the moment some milliseconds after the start.
pub fn after(millis: i64) -> Timestamp {
    START.parse::<Timestamp>().unwrap() + jiff::SignedDuration::from_millis(millis)
}

fn accelerator() -> EventKind {
    EventKind::AcceleratorChosen { accelerator: "tcg".to_owned(), reason: "/dev/kvm isn't there".to_owned() }
}
