//! Looking at runs: what they are, what they need, and what they left.

use std::ffi::OsString;
use std::io::ErrorKind;

use anyhow::{Context as _, Result};
use jiff::Timestamp;

use super::{Hold, Item};
use crate::foreign::Beneath;
use crate::id::RunId;
use crate::record::retention::{RunSummary, Standing, named_in};
use crate::record::{NoRecords, RunRecord, replay};
use crate::report::Kind;
use crate::state::{RunLayout, StateLayout, is_locked, is_temporary, read_bounded, read_record, recorded_path};

/// A run that was looked at.
#[derive(Clone)]
pub(super) struct Seen {
    pub(super) summary: RunSummary,
    /// The source tree that it ran in.
    pub(super) source_root: Option<String>,
    /// Whether its record has ended, after which nothing changes.
    is_settled: bool,
}

/// Looks at the runs, sorted by their ids; what was seen to have ended before isn't read again.
pub(super) fn runs(state: &StateLayout, before: &[Seen], now: Timestamp) -> Result<Vec<Seen>> {
    let mut seen = Vec::new();
    for id in ids(state)? {
        let run = state.run(&id);
        let known = before.binary_search_by(|seen| seen.summary.id.cmp(&id)).ok().map(|at| &before[at]);
        if let Some(known) = known.filter(|known| known.is_settled && !is_held(&run)) {
            seen.push(known.clone());
        } else if has_begun(&run) {
            seen.push(look(&run, id, now));
        }
    }
    Ok(seen)
}

fn look(run: &RunLayout, id: RunId, now: Timestamp) -> Seen {
    let is_live = is_held(run);
    let record = read_record(run);
    let is_settled = record.as_ref().is_ok_and(|record| record.status.outcome().is_some());
    let source_root = record.as_ref().ok().map(|record| record.info.source_root.clone());
    let record = record.and_then(|record| understood(run, record));
    let standing = match record {
        _ if is_live => Standing::Live,
        // One whose process was killed ends when that is noticed.
        Ok(record) => Standing::Ended { ended_at: record.finished_at.unwrap_or(now) },
        Err(error) => Standing::Broken { error: format!("{error:#}") },
    };
    let [plan, text] = [run.plan(), run.record()].map(|path| read_bounded(&path).ok());
    // What has ended and left no plan can't be run again.
    let needs =
        (plan.is_some() || !is_live).then(|| plan.iter().chain(&text).flat_map(|text| named_in(text)).collect());
    Seen { summary: RunSummary { id, standing, needs }, source_root, is_settled: is_settled && !is_live }
}

/// Refuses a run that hasn't ended and whose events a later pikaci wrote: that one records its end.
fn understood(run: &RunLayout, record: RunRecord) -> Result<RunRecord> {
    if record.status.outcome().is_none()
        && let Ok(log) = read_bounded(&run.events())
        && let Err(error @ NoRecords::Later(_)) = replay(&log, |job| recorded_path(&run.job(job).status()))
    {
        return Err(error).with_context(|| format!("replaying {}", run.events().display()));
    }
    Ok(record)
}

/// Returns the folders in which a run was to begin whose process is gone; nobody has a claim.
pub(super) fn unbegun(state: &StateLayout) -> Result<Vec<Item>> {
    let unbegun = ids(state)?.into_iter().map(|id| state.run(&id)).filter(|run| !has_begun(run) && !is_held(run));
    let item = |run: RunLayout| Item {
        kind: Kind::Leftover,
        paths: vec![run.root().to_owned()],
        hold: Hold::Existing(run.lock()),
    };
    Ok(unbegun.map(item).collect())
}

/// Returns what processes of runs that have ended were writing when they were killed.
pub(super) fn left_by_runs(state: &StateLayout, runs: &[Seen]) -> Vec<Beneath> {
    let mut found = Vec::new();
    for seen in runs.iter().filter(|seen| seen.is_settled) {
        left_in(state.run(&seen.summary.id).root(), 0, &mut found);
    }
    found
}

/// Looks in `<run>/jobs/<job>/attempts/<n>/` and above. Artifacts lie deeper, and may be called anything.
fn left_in(folder: &Beneath, depth: u32, found: &mut Vec<Beneath>) {
    // What can't be read is found again by the next one that can.
    for entry in folder.entries().unwrap_or_default() {
        let path = folder.join(&entry.name);
        if is_temporary(&entry.name) {
            found.push(path);
        } else if depth < 4 && entry.is_folder {
            left_in(&path, depth + 1, found);
        }
    }
}

fn ids(state: &StateLayout) -> Result<Vec<RunId>> {
    let named = |name: OsString| {
        let id = RunId::new(name.to_string_lossy());
        // Whatever pikaci wouldn't name a run is none.
        let path = state.runs().join(&name);
        (*state.run(&id).root() == path && path.is_folder()).then_some(id)
    };
    Ok(names(&state.runs())?.into_iter().filter_map(named).collect())
}

fn has_begun(run: &RunLayout) -> bool {
    run.record().is_there() || run.events().is_there()
}

/// Returns whether somebody holds a run's lock; one that can't be looked at says nothing of its holder.
fn is_held(run: &RunLayout) -> bool {
    is_locked(&run.lock()).unwrap_or(true)
}

/// Returns the names in a folder; one that isn't there has none.
pub(super) fn names(folder: &Beneath) -> Result<Vec<OsString>> {
    match folder.entries() {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(Vec::new()),
        entries => {
            let entries = entries.with_context(|| format!("reading {}", folder.display()))?;
            Ok(entries.into_iter().map(|entry| entry.name).collect())
        }
    }
}
