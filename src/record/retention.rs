//! Retention: selection of the runs to remove, and of the shared files that no other run needs. The time is a value.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::id::{Digest, RunId};

/// Default number of the newest runs that stay.
const KEEP_RUNS: usize = 50;
/// Default time for which runs stay: 7 days.
const KEEP_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Limits that keep ended runs. A run stays if one of them keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetentionPolicy {
    newest: Option<usize>,
    younger_than: Option<SignedDuration>,
}

/// Facts about a run that its retention depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunSummary {
    /// The run.
    pub id: RunId,
    /// State of the run.
    pub state: RunState,
    /// The digests that its plan and its record name; `None` if they can't be read.
    pub needs: Option<BTreeSet<Digest>>,
    /// The runs whose results or artifacts its jobs took.
    pub taken_from: BTreeSet<RunId>,
}

/// State of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunState {
    /// Its process runs.
    Live,
    /// It has ended.
    Ended {
        /// Time of its end.
        ended_at: Timestamp,
    },
    /// Its record can't be read.
    Broken {
        /// The error.
        error: String,
    },
}

/// Selection of the runs and shared files to remove.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removal {
    /// The runs.
    pub runs: BTreeSet<RunId>,
    /// The digests of shared files that no remaining run needs.
    pub digests: BTreeSet<Digest>,
    /// Numbers of the remaining runs, by reason.
    pub kept: Kept,
}

/// Numbers of the remaining runs. Each run counts under its first reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// Runs whose processes run.
    pub running: usize,
    /// Runs among the newest.
    pub newest: usize,
    /// Runs that ended recently.
    pub young: usize,
    /// Runs whose results or artifacts remaining runs took.
    pub taken: usize,
    /// Runs whose records can't be read; a person decides about them.
    pub broken: usize,
}

impl RetentionPolicy {
    /// Returns a policy with these limits, or the default one if both are absent.
    #[must_use]
    pub fn new(newest: Option<usize>, younger_than: Option<SignedDuration>) -> Self {
        match (newest, younger_than) {
            (None, None) => Self { newest: Some(KEEP_RUNS), younger_than: Some(KEEP_FOR) },
            _ => Self { newest, younger_than },
        }
    }
}

/// Selects the runs that no limit keeps, and the stored digests that no remaining run needs.
#[must_use]
pub fn select_removals(
    runs: &[RunSummary],
    stored: &BTreeSet<Digest>,
    policy: RetentionPolicy,
    now: Timestamp,
) -> Removal {
    // Ids sort by the start of their runs, even after the clock was set back.
    let mut ended: BTreeMap<&RunId, (&RunSummary, Timestamp)> = BTreeMap::new();
    let mut removal = Removal::default();
    let mut taken: BTreeSet<&RunId> = BTreeSet::new();
    for run in runs {
        match run.state {
            RunState::Live => removal.kept.running += 1,
            RunState::Broken { .. } => removal.kept.broken += 1,
            RunState::Ended { ended_at } => {
                ended.insert(&run.id, (run, ended_at));
                continue;
            }
        }
        taken.extend(&run.taken_from);
    }
    for (newer, (id, (run, ended_at))) in ended.into_iter().rev().enumerate() {
        if policy.newest.is_some_and(|newest| newer < newest) {
            removal.kept.newest += 1;
        } else if policy.younger_than.is_some_and(|limit| now.duration_since(ended_at) <= limit) {
            removal.kept.young += 1;
        } else if taken.contains(id) {
            removal.kept.taken += 1;
        } else {
            removal.runs.insert(id.clone());
            continue;
        }
        // A run takes results only of runs that are older.
        taken.extend(&run.taken_from);
    }
    let remains = |run: &&RunSummary| !removal.runs.contains(&run.id);
    // If the needs of a running run are unknown, all shared files stay.
    if runs.iter().all(|run| run.state != RunState::Live || run.needs.is_some()) {
        let needed: BTreeSet<&Digest> =
            runs.iter().filter(remains).filter_map(|run| run.needs.as_ref()).flatten().collect();
        removal.digests = stored.iter().filter(|digest| !needed.contains(digest)).cloned().collect();
    }
    removal
}

/// Returns all digests in a text. It also reads plans that another version wrote, or whose end is lost.
#[must_use]
pub fn digests_in(text: &[u8]) -> BTreeSet<Digest> {
    let words = text.split(|byte| !byte.is_ascii_hexdigit()).filter(|word| word.len() == 64);
    words.filter_map(|word| Digest::try_from(String::from_utf8(word.to_vec()).ok()?).ok()).collect()
}

#[cfg(test)]
mod tests;
