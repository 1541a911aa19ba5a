//! A garbage collection, and its preview.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use jiff::Timestamp;

use super::cache_removal::{cache_leftovers, preview_generations, remove_generations};
use super::candidate::{Candidate, RemovalGuard};
use super::gc_lock::GcLock;
use super::meter::Meter;
use super::stored::Stored;
use super::survey::{self, SurveyedRun};
use super::trash::Trash;
use crate::failpoint::Point;
use crate::foreign::Beneath;
use crate::record::retention::{self, Kept, RetentionPolicy, RunState};
use crate::record::{BrokenRun, GcResult, RemovedItem, RemovedKind};
use crate::state::caches::CacheLimits;
use crate::state::file_lock::{FileLock, is_locked};
use crate::state::latest_run::renew_latest_run;
use crate::state::run_store::RunStore;
use crate::state::state_layout::StateLayout;

/// Time limit of the wait for starting runs.
const CLAIMS_TIMEOUT: Duration = Duration::from_mins(1);

/// Request of a garbage collection.
#[derive(Clone, Copy, Debug)]
pub struct GcRequest<'a> {
    /// The limits that keep runs.
    pub policy: RetentionPolicy,
    /// The source tree of the project, whose index stays.
    pub tree: Option<&'a Path>,
    /// The limits on caches.
    pub cache_limits: CacheLimits,
    /// The current time.
    pub now: Timestamp,
}

/// The candidates of a garbage collection, and the runs that stay.
struct GcPlan {
    candidates: Vec<Candidate>,
    kept: Kept,
    broken: Vec<BrokenRun>,
}

/// Removes everything that nothing needs. The result also lists the failed removals, which don't stop the others.
///
/// # Errors
/// When the state folder can't be read or locked, or runs start all the time.
pub fn collect(state: &StateLayout, _lock: &GcLock, request: GcRequest<'_>) -> Result<GcResult> {
    let store = RunStore::new(state.clone());
    // An ended run doesn't change, so most runs are read before starting runs have to wait.
    let early = survey::runs(&store, &[], request.now)?;
    let leftovers = survey::leftovers(&store, &early);
    let (mut trash, plan) = {
        let alone = FileLock::exclusive_within(Point::GcPlan, &state.run_claims_lock(), CLAIMS_TIMEOUT)?;
        let _alone = alone.context("other runs kept starting for a minute, and gc waits until none does")?;
        let plan = make_plan(state, request, &early, &leftovers)?;
        let mut trash = Trash::new(state);
        for candidate in &plan.candidates {
            trash.take(candidate);
        }
        (trash, plan)
    };
    let (mut removed, failed) = trash.empty();
    renew_latest_run(&store);
    removed.extend(remove_generations(state, request.cache_limits)?);
    let mut result = GcResult::new(false, plan.kept);
    (result.removed, result.failed, result.broken) = (removed, failed, plan.broken);
    Ok(result)
}

/// Returns a forecast of [`collect`], and changes nothing.
///
/// # Errors
/// When the state folder can't be read.
pub fn preview(state: &StateLayout, request: GcRequest<'_>) -> Result<GcResult> {
    let store = RunStore::new(state.clone());
    let runs = survey::runs(&store, &[], request.now)?;
    let leftovers = survey::leftovers(&store, &runs);
    let GcPlan { candidates, kept, broken } = make_plan(state, request, &runs, &leftovers)?;
    let mut meter = Meter::default();
    let is_guarded = |candidate: &Candidate| match &candidate.guard {
        RemovalGuard::Nothing => Ok(false),
        RemovalGuard::Existing(lock) | RemovalGuard::Lock(lock) => is_locked(lock),
        RemovalGuard::Folder(folder) => Ok(FileLock::try_folder(Point::RemovalGuard, folder)?.is_none()),
    };
    let mut result = GcResult::new(true, kept);
    result.broken = broken;
    result.removed = preview_generations(state, request.cache_limits)?;
    for candidate in &candidates {
        if !is_guarded(candidate)? {
            let bytes = meter.add(&candidate.paths);
            result.removed.push(RemovedItem { kind: candidate.kind, path: candidate.name(), bytes });
        }
    }
    Ok(result)
}

fn make_plan(
    state: &StateLayout,
    request: GcRequest<'_>,
    early: &[SurveyedRun],
    leftovers: &[Beneath],
) -> Result<GcPlan> {
    let store = RunStore::new(state.clone());
    let runs = survey::runs(&store, early, request.now)?;
    let summaries: Vec<_> = runs.iter().map(|run| run.summary.clone()).collect();
    let stored = Stored::list(state)?;
    let removal = retention::select_removals(&summaries, &stored.digests(), request.policy, request.now);
    let of_run = |id| {
        let run = state.run(id);
        let guard = RemovalGuard::Existing(run.lock());
        Candidate { kind: RemovedKind::Run, paths: vec![run.root().to_owned()], guard }
    };
    let mut candidates: Vec<Candidate> = removal.runs.iter().map(of_run).collect();
    candidates.extend(stored.with_digests(state, &removal.digests));
    let is_in_removed_run = |path: &&Beneath| {
        candidates.iter().any(|removed| removed.kind == RemovedKind::Run && path.starts_with(&removed.paths[0]))
    };
    let of_kept_runs = leftovers.iter().filter(|path| !is_in_removed_run(path)).cloned().map(Candidate::leftover);
    let of_kept_runs: Vec<Candidate> = of_kept_runs.collect();
    candidates.extend(of_kept_runs);
    candidates.extend(cache_leftovers(state)?);
    candidates.extend(survey::unstarted(&store)?);
    candidates.extend(stored.leftovers(state, &removal.digests, &trees(&runs, request.tree))?);
    let broken = summaries.into_iter().filter_map(|run| match run.state {
        RunState::Broken { error } => Some(BrokenRun { run_id: run.id, error }),
        _ => None,
    });
    Ok(GcPlan { candidates, kept: removal.kept, broken: broken.collect() })
}

/// Returns the source trees in which runs may start again.
fn trees<'a>(runs: &'a [SurveyedRun], tree: Option<&'a Path>) -> Vec<&'a Path> {
    let of_runs = runs.iter().filter_map(|run| run.source_root.as_deref().map(Path::new));
    of_runs.chain(tree).collect()
}
