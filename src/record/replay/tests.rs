use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::{NoRecords, replay};
use crate::event::{Event, EventKind, Status};
use crate::id::{Digest, JobId, RecordedPath};
use crate::record::{History, JobRecord, RunRecord};

mod strategies;

use strategies::{kind, moment, run};

const FROZEN: &str = include_str!("../../../tests/fixtures/records/1/events.jsonl");
const FROZEN_RUN: &str = include_str!("../../../tests/fixtures/records/1/run.json");
const FROZEN_JOBS: [&str; 3] = [
    include_str!("../../../tests/fixtures/records/1/build.json"),
    include_str!("../../../tests/fixtures/records/1/test.json"),
    include_str!("../../../tests/fixtures/records/1/deploy.json"),
];

fn path(job: &JobId) -> RecordedPath {
    let name = Digest::of(job.as_str().as_bytes());
    RecordedPath::try_from(format!("jobs/{name}/status.json")).unwrap()
}

/// Folds events as they happen, the way the engine does.
fn fold(events: &[Event]) -> History {
    let EventKind::RunStarted(start) = &events[0].kind else { panic!("no run begins with {:?}", events[0]) };
    let mut history = History::begin(events[0].at, start, path);
    for event in &events[1..] {
        history.apply(event);
    }
    history
}

/// Returns run.json and every status.json.
fn files(history: &History) -> Vec<String> {
    let run = serde_json::to_string_pretty(&history.run).unwrap();
    let jobs = history.jobs.iter().map(|job| serde_json::to_string_pretty(job).unwrap());
    std::iter::once(run).chain(jobs).collect()
}

fn log(events: &[Event]) -> Vec<u8> {
    events.iter().flat_map(|event| (event.to_line().unwrap() + "\n").into_bytes()).collect()
}

/// Returns the status of a job, computed from the last event about the job.
fn last_status(job: &JobId, events: &[Event]) -> Status {
    let last = events.iter().rev().find_map(|event| match &event.kind {
        EventKind::JobStarted { job: started, .. } if started == job => Some(Status::RUNNING),
        EventKind::JobFinished(end) if end.job == *job => Some(Status::Done(end.end.outcome)),
        _ => None,
    });
    last.unwrap_or(Status::QUEUED)
}

/// Asserts that a log that is truncated after `cut` bytes gives the records that were valid after its last complete
/// event: those of the fold, and those that follow from single events.
#[track_caller]
fn assert_truncated(events: &[Event], log: &[u8], cut: usize) {
    let ends = log.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    let whole = &events[..ends.filter(|(end, _)| *end <= cut).count()];
    let replayed = replay(&log[..cut], path);
    if whole.is_empty() {
        assert_eq!(replayed, Err(NoRecords::NotBegun), "cut at {cut}");
        return;
    }
    let history = replayed.unwrap();
    assert_eq!(files(&history), files(&fold(whole)), "cut at {cut}");
    let end = whole.iter().find_map(|event| match event.kind {
        EventKind::RunFinished { outcome, .. } => Some((outcome, event.at)),
        _ => None,
    });
    assert_eq!(history.run.status, end.map_or(Status::RUNNING, |(outcome, _)| Status::Done(outcome)));
    assert_eq!(history.run.finished_at, end.map(|(_, at)| at));
    for (summary, record) in history.run.jobs.iter().zip(&history.jobs) {
        let expected = last_status(&record.id, whole);
        assert_eq!((summary.status, record.status), (expected, expected), "{} in {whole:?}", record.id);
    }
}

proptest! {
    #[test]
    fn a_replay_gives_every_record_byte_for_byte(events in run()) {
        prop_assert_eq!(files(&replay(&log(&events), path).unwrap()), files(&fold(&events)));
    }

    #[test]
    fn a_truncated_log_gives_the_records_of_its_events(events in run(), cuts in vec(any::<Index>(), 30)) {
        let log = log(&events);
        for cut in cuts {
            assert_truncated(&events, &log, cut.index(log.len() + 1));
        }
    }

    /// After an incomplete line, the next event is on a line of its own.
    #[test]
    fn a_truncated_log_can_be_continued(events in run(), cut: Index, more in vec((moment(), kind()), 1..4)) {
        let log = log(&events);
        let (first, rest) = (log.iter().position(|byte| *byte == b'\n').unwrap(), log.len());
        let cut = first + cut.index(rest - first);
        let more: Vec<Event> = more.into_iter().map(|(at, kind)| Event { at, kind }).collect();
        let mut history = replay(&log[..cut], path).unwrap();
        let continued = [&log[..cut], b"\n", &super::tests::log(&more)].concat();
        for event in &more {
            history.apply(event);
        }
        prop_assert_eq!(files(&replay(&continued, path).unwrap()), files(&history));
    }
}

#[test]
fn the_frozen_log_can_be_truncated_at_each_byte() {
    assert!(!FROZEN.is_ascii(), "no cut is inside of a character");
    let events: Vec<Event> = FROZEN.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for cut in 0..=FROZEN.len() {
        assert_truncated(&events, FROZEN.as_bytes(), cut);
    }
}

#[test]
fn the_frozen_log_gives_the_frozen_records() {
    let expected: RunRecord = serde_json::from_str(FROZEN_RUN).unwrap();
    let paths = expected.jobs.iter().map(|job| (job.id.clone(), job.status_path.clone()));
    let paths: std::collections::BTreeMap<JobId, RecordedPath> = paths.collect();
    let history = replay(FROZEN.as_bytes(), |job| paths[job].clone()).unwrap();
    assert_eq!(history.run, expected);
    let jobs = FROZEN_JOBS.map(|text| serde_json::from_str::<JobRecord>(text).unwrap());
    assert_eq!(history.jobs, jobs);
    // The order of the keys is a part of the format, too.
    assert_eq!(serde_json::to_string_pretty(&history.run).unwrap(), FROZEN_RUN.trim_end());
    for (job, text) in history.jobs.iter().zip(FROZEN_JOBS) {
        assert_eq!(serde_json::to_string_pretty(job).unwrap(), text.trim_end());
    }
}

#[test]
fn the_frozen_events_are_written_as_they_were() {
    for line in FROZEN.lines() {
        assert_eq!(serde_json::from_str::<Event>(line).unwrap().to_line().unwrap(), line);
    }
}

#[test]
fn additions_of_a_later_pikaci_are_skipped() {
    let mut lines: Vec<String> = FROZEN.lines().map(str::to_owned).collect();
    let expected = replay(FROZEN.as_bytes(), path).unwrap();
    for line in &mut lines {
        *line = line.replacen('{', r#"{"later":{"a":[1]},"#, 1);
    }
    lines.insert(1, r#"{"at":"2026-11-22T10:15:00Z","event":"job_teleported","job":"build","to":[1,2]}"#.to_owned());
    lines.insert(3, r#"{"at":"soon","event":"job_started"}"#.to_owned());
    assert_eq!(replay(lines.join("\n").as_bytes(), path), Ok(expected));
}

#[test]
fn a_log_of_a_later_version_is_refused() {
    let later = FROZEN.replacen(r#""schema_version":1"#, r#""schema_version":2"#, 1);
    assert_eq!(replay(later.as_bytes(), path), Err(NoRecords::Later(2)));
    let other = r#"{"event":"run_started","schema_version":7,"when":0}"#;
    let error = replay(other.as_bytes(), path).unwrap_err();
    assert_eq!(error.to_string(), "it has version 7, and this pikaci supports version 1");
    for no_log in ["", "\n", "noise\n", "{}", FROZEN.split_once('\n').unwrap().1] {
        assert_eq!(replay(no_log.as_bytes(), path), Err(NoRecords::NotBegun), "{no_log}");
    }
}
