//! Targets that are functions of a value.

use std::collections::BTreeSet;
use std::path::{Component, Path};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use pikaci::config;
use pikaci::event::Event;
use pikaci::execute::qemu::qmp::shutdown_reason;
use pikaci::flake::{FlakeContent, NixGuest, ProjectFiles, StoreSource, render_nix};
use pikaci::guest::ControlDecoder;
use pikaci::guest::ControlLine;
use pikaci::id::{JobId, RecordedPath, RunId};
use pikaci::plan::{RunPlanRecord, plan_rerun, record::Work};
use pikaci::record::{History, JobRecord, Manifest, RunRecord, replay};
use pikaci::report::{self, ArtifactFile, Artifacts, Clock, JobArtifacts, Page};
use pikaci::snapshot::{Index, split_listing};
use pikaci::text::{TerminalFilter, is_shown};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The longest control line that is kept, in characters.
const CONTROL_LINE: usize = 4096;

/// Splits a stream into control lines: the lines are the same for all pieces, are short, and are no more than the line
/// breaks.
pub fn control(bytes: &[u8]) {
    let lines = ControlDecoder::default().push(bytes);
    assert_eq!(lines.len(), bytes.split(|byte| *byte == b'\n').count() - 1);
    let mut decoder = ControlDecoder::default();
    let pieces: Vec<_> = bytes.chunks(7).flat_map(|piece| decoder.push(piece)).collect();
    assert_eq!(pieces, lines);
    for line in lines {
        let text = match line {
            Ok(ControlLine::Phase { name, .. }) => {
                assert!(name.len() <= 32 && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'));
                continue;
            }
            Ok(ControlLine::Error(text)) => text,
            Ok(_) => continue,
            Err(unknown) => unknown.line,
        };
        assert!(text.chars().count() <= CONTROL_LINE && !text.chars().any(char::is_control), "{text:?}");
    }
}

/// Reads a line of QEMU's monitor: it is a shutdown only if it is JSON with that event.
pub fn qmp(bytes: &[u8]) {
    let line = String::from_utf8_lossy(bytes);
    if let Some(reason) = shutdown_reason(&line) {
        // A number that is too large is no value, and the parser ignores the line.
        let Ok(value) = serde_json::from_str::<serde_json::Value>(&line) else { return };
        assert_eq!((&value["event"], &value["data"]["reason"]), (&"SHUTDOWN".into(), &reason.into()));
    }
}

/// Filters text for a terminal: only text and colors remain, in whatever pieces the text arrives.
pub fn terminal(bytes: &[u8]) {
    let text = TerminalFilter::new(true).push(bytes);
    let mut filter = TerminalFilter::new(true);
    assert_eq!(bytes.chunks(3).map(|piece| filter.push(piece)).collect::<String>(), text);
    for (number, part) in text.split("\u{1b}[").enumerate() {
        let (color, rest) = if number == 0 { ("", part) } else { part.split_once('m').unwrap() };
        assert!(color.chars().all(|c| c.is_ascii_digit() || ";:".contains(c)), "{text:?}");
        assert_text(rest);
    }
}

/// Reads a manifest: it survives writing and reading, and its list is text.
pub fn manifest(bytes: &[u8]) {
    let Some(manifest) = same_again::<Manifest>(bytes) else { return };
    let files = manifest
        .files
        .into_iter()
        .map(|file| ArtifactFile { path: file.path, len: file.len, mode: file.mode, sha256: file.sha256 })
        .collect();
    let job = JobArtifacts { job: JobId::new("job"), folder: "/p".into(), files, links: manifest.links };
    assert_page(&report::artifacts(&Artifacts::new(RunId::new("run"), vec![job])));
}

/// Reads records: they survive writing and reading, name nothing outside of the state folder, and are printed as text.
pub fn records(bytes: &[u8]) {
    // The record of a run, a zero byte, and the record of a job.
    let mut parts = bytes.splitn(2, |byte| *byte == 0);
    let run = parts.next().and_then(same_again::<RunRecord>);
    let job = parts.next().and_then(same_again::<JobRecord>);
    let paths = job
        .iter()
        .flat_map(|job| [&job.logs.guest_log_path, &job.logs.host_log_path, &job.artifacts.artifacts_dir])
        .flatten();
    for path in paths {
        assert!(!path.as_str().split('/').any(|name| ["", ".", ".."].contains(&name)), "{path}");
    }
    if let Some(run) = run {
        assert_reports(&History { run, jobs: job.into_iter().collect() });
    }
}

/// Replays a log of events: it gives the same records each time, whatever half line follows, and is printed as text.
pub fn events(bytes: &[u8]) {
    let status = |_: &JobId| RecordedPath::try_from("runs/1/jobs/job/status.json".to_owned()).unwrap();
    let history = replay(bytes, status);
    assert_eq!(replay(&[bytes, b"\n{\"at\":"].concat(), status), history);
    let Ok(history) = history else { return };
    assert_reports(&history);
    for line in bytes.split(|byte| *byte == b'\n') {
        if let Some(event) = same_again::<Event>(line)
            && let Some(page) = report::event_line(&event, &history)
        {
            assert_page(&page);
        }
    }
}

/// Reads a plan: it survives writing and reading, and a rerun of one job has no other nodes.
pub fn plan(bytes: &[u8]) {
    let Some(plan) = same_again::<RunPlanRecord>(bytes) else { return };
    assert_page(&report::plan(&plan));
    let jobs: BTreeSet<JobId> = plan
        .nodes
        .iter()
        .filter_map(|node| match &node.work {
            Work::Execute { execute } => Some(execute.job.clone()),
            Work::Prepare { .. } => None,
        })
        .collect();
    let ids: BTreeSet<_> = plan.nodes.iter().map(|node| &node.id).collect();
    for passed in [true, false] {
        let again = plan_rerun(&plan, &jobs, &|_| passed);
        assert!(again.nodes.iter().all(|node| ids.contains(&node.id)));
    }
}

/// Reads an index: a valid one is written as the same bytes.
pub fn index(bytes: &[u8]) {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    let whole = [bytes, &crc.sum().to_le_bytes()].concat();
    for bytes in [bytes, &whole] {
        if let Some(index) = Index::decode(bytes) {
            assert_eq!(Index::decode(&index.encode()), Some(index));
        }
    }
}

/// Reads a job file: the result is the same each time, and its errors are text.
pub fn job_file(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let read = config::read("pikaci.nix", &text);
    assert_eq!(config::read("pikaci.nix", &text), read);
    match read {
        Ok(config) => assert!(config.jobs.values().all(|job| config.guests.contains_key(&job.guest))),
        Err(diagnostics) => {
            assert!(diagnostics.iter().count() > 0);
            assert!(diagnostics.iter().all(|one| one.span.line > 0 && one.span.column > 0));
        }
    }
}

/// Reads a flake.lock: it goes into a runner flake unchanged or is an error, and its local folders are in the project.
pub fn flake_lock(bytes: &[u8]) {
    let files = [("flake.lock", bytes), ("flake.nix", bytes)].map(|(name, bytes)| (name.to_owned(), bytes.to_vec()));
    let project = ProjectFiles(files.into());
    for dev_shell in [None, Some("default")] {
        let guest = NixGuest {
            host: "x86_64-linux",
            system: "x86_64-linux",
            packages: &[],
            dev_shell,
            modules: &[],
            project: &project,
            allow_local_inputs: true,
        };
        if let Ok(flake) = render_nix(guest, StoreSource::Host) {
            let lock = &flake.files["project/flake.lock"].content;
            assert!(matches!(lock, FlakeContent::Inline(lock) if lock == bytes));
        }
    }
    for folder in project.flake_folders().unwrap_or_default() {
        assert!(Path::new(&folder).components().all(|part| matches!(part, Component::Normal(_))), "{folder:?}");
    }
}

/// Reads a listing of git: each path lies in the tree and in no folder of a repository itself, and none is lost.
pub fn listing(bytes: &[u8]) {
    let Ok(paths) = split_listing(bytes) else { return };
    for path in &paths {
        let is_plain = |name: &[u8]| !["", ".", "..", ".git"].map(str::as_bytes).contains(&name);
        assert!(!path.contains(&0) && path.split(|byte| *byte == b'/').all(is_plain), "{path:?}");
    }
    let length: usize = paths.iter().map(|path| path.len()).sum();
    assert!(length + bytes.iter().filter(|byte| matches!(byte, 0 | b'/')).count() >= bytes.len());
}

/// Decodes JSON of a type, if it is valid; asserts that the value survives writing and reading.
fn same_again<T: DeserializeOwned + Serialize + std::fmt::Debug>(bytes: &[u8]) -> Option<T> {
    let value: T = serde_json::from_slice(bytes).ok()?;
    let json = serde_json::to_string(&value).unwrap();
    let again: T = serde_json::from_str(&json).unwrap();
    assert_eq!(serde_json::to_string(&again).unwrap(), json);
    Some(value)
}

fn assert_reports(history: &History) {
    let (root, now) = (Path::new("/p/.pikaci"), Timestamp::UNIX_EPOCH);
    let clock = Clock { now, zone: TimeZone::UTC };
    let output = report::FailureOutput::default();
    assert_page(&report::status(history, &output, root, &clock));
    assert_page(&report::summary(history, &output, root));
    let mut listing = report::Listing::new(0);
    listing.runs.push(history.run.clone());
    assert_page(&report::list(&listing, &clock));
}

fn assert_page(page: &Page) {
    assert_text(&page.render(false));
}

#[track_caller]
fn assert_text(text: &str) {
    assert!(text.chars().all(|c| is_shown(c) || c == '\n' || c == '\t'), "{text:?}");
}
