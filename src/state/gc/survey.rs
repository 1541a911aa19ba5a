//! The survey of a gc: the state of each run, the files that it needs, and its leftovers.

use std::ffi::OsString;
use std::io::ErrorKind;

use anyhow::{Context as _, Result};
use jiff::Timestamp;

use super::candidate::{Candidate, RemovalGuard};
use crate::foreign::Beneath;
use crate::id::RunId;
use crate::plan::RunPlanRecord;
use crate::plan::record::PlannedJob;
use crate::record::RemovedKind;
use crate::record::retention::{RunState, RunSummary, digests_in};
use crate::state::read_json::read_bounded;
use crate::state::read_records::read_plan;
use crate::state::run_layout::RunLayout;
use crate::state::run_store::{RunStore, RunView};

/// A run, as observed by a survey.
#[derive(Clone)]
pub(super) struct SurveyedRun {
    pub(super) summary: RunSummary,
    /// Source tree of the run; `None` if its record can't be read.
    pub(super) source_root: Option<String>,
    /// True if the record reports the end of the run and its process has ended, so that nothing changes any more.
    is_settled: bool,
}

/// Surveys all runs that have started, sorted by their ids. Reuses the earlier results of settled runs.
pub(super) fn runs(store: &RunStore, before: &[SurveyedRun], now: Timestamp) -> Result<Vec<SurveyedRun>> {
    let mut runs = Vec::new();
    for id in store.ids()? {
        let earlier = before.binary_search_by(|run| run.summary.id.cmp(&id)).ok().map(|at| &before[at]);
        if let Some(settled) = earlier.filter(|run| run.is_settled && !store.is_alive(&id)) {
            runs.push(settled.clone());
        } else if store.has_started(&id) {
            runs.push(survey(store, id, now));
        }
    }
    Ok(runs)
}

fn survey(store: &RunStore, id: RunId, now: Timestamp) -> SurveyedRun {
    let run = store.state().run(&id);
    let is_live = store.is_alive(&id);
    let view = store.load(&id);
    let is_settled = !is_live && matches!(view, RunView::Ended(_));
    let record = view.into_record();
    let source_root = record.as_ref().ok().map(|record| record.source.source_root.clone());
    let state = match record {
        _ if is_live => RunState::Live,
        Ok(record) => RunState::Ended { ended_at: record.finished_at.unwrap_or(now) },
        Err(error) => RunState::Broken { error: format!("{error:#}") },
    };
    let [plan, text] = [run.plan(), run.record()].map(|path| read_bounded(&path).ok());
    // A run without a plan needs nothing after its end, since it can't run again. While it is alive, its needs are unknown.
    let needs =
        (plan.is_some() || !is_live).then(|| plan.iter().chain(&text).flat_map(|text| digests_in(text)).collect());
    let planned = read_plan(&run).ok();
    let jobs = planned.iter().flat_map(RunPlanRecord::jobs);
    let runs = |job: &PlannedJob| {
        job.taken_from
            .clone()
            .into_iter()
            .chain(job.inputs.iter().filter_map(|input| input.run.clone()))
            .collect::<Vec<_>>()
    };
    let taken_from = jobs.flat_map(runs).collect();
    SurveyedRun { summary: RunSummary { id, state, needs, taken_from }, source_root, is_settled }
}

/// Returns the folders of runs whose process died before the run started. The caller makes sure that no run has a claim.
pub(super) fn unstarted(store: &RunStore) -> Result<Vec<Candidate>> {
    let ids = store.ids()?.into_iter().filter(|id| !store.has_started(id) && !store.is_alive(id));
    let item = |run: RunLayout| Candidate {
        kind: RemovedKind::Leftover,
        paths: vec![run.root().to_owned()],
        guard: RemovalGuard::Existing(run.lock()),
    };
    Ok(ids.map(|id| item(store.state().run(&id))).collect())
}

/// Returns the temporary files of settled runs.
pub(super) fn leftovers(store: &RunStore, runs: &[SurveyedRun]) -> Vec<Beneath> {
    runs.iter().filter(|run| run.is_settled).flat_map(|run| store.leftovers(&run.summary.id)).collect()
}

/// Returns the names of the entries of a folder, or none if the folder is missing.
pub(super) fn entry_names(folder: &Beneath) -> Result<Vec<OsString>> {
    match folder.entries() {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(Vec::new()),
        entries => {
            let entries = entries.with_context(|| format!("reading {}", folder.display()))?;
            Ok(entries.into_iter().map(|entry| entry.name).collect())
        }
    }
}
