//! Events of random runs.

use jiff::{SignedDuration, Timestamp};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::event::{
    ArtifactSummary, DeclaredJob, Event, EventKind, JobEnd, JobExit, JobFinished, LogExtent, LogPaths, LogRange,
    Outcome, Reason, RunSelection, RunSource, RunStarted, TakenResult,
};
use crate::facts::OsRelease;
use crate::id::{JobId, NodeId, RecordedPath, RunId, TargetId};
use crate::plan::record::LeftOutJob;

/// Returns texts with characters that JSON escapes, and with characters of each length in UTF-8.
fn text() -> impl Strategy<Value = String> {
    "[a-z /\"\\\\\n\u{0}\u{1b}é日\u{1f980}]{0,12}"
}

/// Returns paths of the state folder.
fn recorded_path() -> impl Strategy<Value = RecordedPath> {
    "[a-z0-9+é日\\\\\"]{1,8}(/[a-z .]{2}[a-z]){0,3}".prop_map(|text| RecordedPath::try_from(text).unwrap())
}

/// Returns names of jobs, so few that events share them.
fn job() -> impl Strategy<Value = JobId> {
    select(vec!["build", "日本/test[cc=clang]", "a \"b\"\n"]).prop_map(JobId::new)
}

fn outcome() -> impl Strategy<Value = Outcome> {
    use Outcome::{Cached, Cancelled, Errored, Failed, Passed, Skipped, TimedOut};
    select(vec![Passed, Failed, TimedOut, Errored, Cancelled, Skipped, Cached])
}

fn reason() -> impl Strategy<Value = Reason> {
    (option::of(text()), option::of(text()), vec(text(), 0..3)).prop_map(|(message, hint, evidence)| Reason {
        message,
        hint,
        evidence,
    })
}

prop_compose! {
    fn finished()(
        job in job(),
        outcome in outcome(),
        (exit_code, allowed) in (option::of(any::<i32>()), any::<bool>()),
        reason in reason(),
        guest_log_bytes in any::<u64>(),
        log_cut in any::<bool>(),
        artifacts in any::<u64>(),
        artifacts_dir in option::of(recorded_path()),
        warnings in vec(text(), 0..3),
        taken in option::of((text().prop_map(RunId::new), logs())),
    ) -> JobFinished {
        let log = LogExtent { guest_log_bytes, log_cut };
        let artifacts = ArtifactSummary { artifacts, artifacts_dir };
        let exit = JobExit { exit_code, reason };
        let taken = taken.map(|(from, logs)| TakenResult { from, logs });
        let end = JobEnd { outcome, allowed, exit, log, artifacts, caches: Vec::new(), warnings, taken, retryable: false };
        JobFinished { job, end }
    }
}

/// Generates the name of a step or a service, which a job has or not.
fn step() -> impl Strategy<Value = String> {
    select(vec!["build", "test", "db", "other"]).prop_map(str::to_owned)
}

fn logs() -> impl Strategy<Value = LogPaths> {
    (recorded_path(), recorded_path(), option::of(recorded_path())).prop_map(|(host, guest, console)| LogPaths {
        host,
        guest,
        console,
    })
}

/// Returns any event but the start of a run.
pub(super) fn kind() -> impl Strategy<Value = EventKind> {
    let node = || text().prop_map(NodeId::new);
    prop_oneof![
        2 => (node(), recorded_path()).prop_map(|(node, log_path)| EventKind::PrepareStarted { node, log_path }),
        2 => (node(), outcome(), option::of(text()), reason())
            .prop_map(|(node, outcome, runner, reason)| EventKind::PrepareFinished { node, outcome, runner, reason }),
        1 => (text(), text()).prop_map(|(accelerator, reason)| EventKind::AcceleratorChosen { accelerator, reason }),
        4 => (job(), 1..4_u32, logs()).prop_map(|(job, attempt, logs)| EventKind::JobStarted { job, attempt, logs }),
        4 => (job(), text(), option::of(any::<u64>()))
            .prop_map(|(job, phase, uptime_ms)| EventKind::JobPhase { job, phase, uptime_ms }),
        3 => (job(), step(), any::<(u64, u64)>(), outcome(), option::of(any::<i32>()))
            .prop_map(|(job, step, (start, end), outcome, exit_code)| {
                EventKind::StepFinished { job, step, outcome, exit_code, log: LogRange { start, end } }
            }),
        2 => (job(), step()).prop_map(|(job, step)| EventKind::StepStarted { job, step }),
        1 => (job(), step()).prop_map(|(job, service)| EventKind::ServiceReady { job, service }),
        1 => (job(), step(), any::<i32>())
            .prop_map(|(job, service, exit_code)| EventKind::ServiceEnded { job, service, exit_code }),
        1 => (job(), step(), any::<(u64, u64)>())
            .prop_map(|(job, service, (start, end))| EventKind::ServiceLog { job, service, log: LogRange { start, end } }),
        4 => finished().prop_map(|finished| EventKind::JobFinished(Box::new(finished))),
        2 => finished().prop_map(|finished| EventKind::AttemptFinished(Box::new(finished))),
        1 => text().prop_map(|by| EventKind::CancelRequested { by }),
    ]
}

/// Returns times in any order, because clocks may be set.
pub(super) fn moment() -> impl Strategy<Value = Timestamp> {
    let span = (-2_000_000_000_i64..4_000_000_000, 0..1_000_000_000_i32);
    span.prop_map(|(seconds, nanos)| Timestamp::UNIX_EPOCH + SignedDuration::new(seconds, nanos))
}

prop_compose! {
    fn start()(
        names in proptest::collection::btree_set(job(), 0..4),
        (description, folder, timeout_secs) in (text(), text(), any::<u64>()),
        (snapshot_dir, plan_path) in (recorded_path(), recorded_path()),
        (rerun_of, head, dirty) in (option::of(text()), option::of(text()), option::of(any::<bool>())),
        changed_files in option::of(vec(text(), 0..3)),
        filters in vec(text(), 0..3),
        os in option::of((text(), text(), text())),
        left_out in vec((text(), text()), 0..2),
    ) -> RunStarted {
        let declared = |id: JobId| DeclaredJob {
            plan_node_id: NodeId::new(format!("execute:{id}")),
            id,
            description: description.clone(),
            executor: "vm".to_owned(),
            timeout_secs,
            steps: vec!["build".to_owned(), "test".to_owned()],
            services: vec!["db".to_owned()],
        };
        let source = RunSource {
            rerun_of: rerun_of.map(RunId::new),
            target_id: TargetId::new(description.clone()),
            target_description: head.clone(),
            source_root: folder,
            snapshot_dir,
            git_head: head,
            git_dirty: dirty,
        };
        let selection = RunSelection { plan_path, changed_files, filters };
        let left_out = left_out.into_iter().map(|(id, reason)| LeftOutJob { id: JobId::new(id), reason, skipped: false });
        let host_os = os.map(|(id, version_id, pretty_name)| OsRelease { id, version_id, pretty_name });
        let jobs = names.into_iter().map(declared).collect();
        let run_id = RunId::new("20261122-101500000-4f2a");
        RunStarted::new(run_id, source, selection, host_os, jobs, left_out.collect())
    }
}

prop_compose! {
    /// Returns the events of a run, which starts, and ends unless it is killed.
    pub(super) fn run()(
        first in (moment(), start()),
        between in vec((moment(), kind()), 0..12),
        last in option::of((moment(), outcome(), option::of(text()))),
    ) -> Vec<Event> {
        let first = Event { at: first.0, kind: EventKind::RunStarted(Box::new(first.1)) };
        let last = last.map(|(at, outcome, message)| Event { at, kind: EventKind::RunFinished { outcome, message } });
        let between = between.into_iter().map(|(at, kind)| Event { at, kind });
        std::iter::once(first).chain(between).chain(last).collect()
    }
}
