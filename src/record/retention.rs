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
    let mut ended: BTreeMap<&RunId, Timestamp> = BTreeMap::new();
    let mut removal = Removal::default();
    for run in runs {
        match run.state {
            RunState::Live => removal.kept.running += 1,
            RunState::Broken { .. } => removal.kept.broken += 1,
            RunState::Ended { ended_at } => drop(ended.insert(&run.id, ended_at)),
        }
    }
    for (newer, (id, ended_at)) in ended.into_iter().rev().enumerate() {
        if policy.newest.is_some_and(|newest| newer < newest) {
            removal.kept.newest += 1;
        } else if policy.younger_than.is_some_and(|limit| now.duration_since(ended_at) <= limit) {
            removal.kept.young += 1;
        } else {
            removal.runs.insert(id.clone());
        }
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
mod tests {
    use std::collections::BTreeSet;

    use jiff::{SignedDuration, Timestamp};
    use proptest::prelude::*;

    use super::{Kept, RetentionPolicy, RunState, RunSummary, digests_in, select_removals};
    use crate::id::{Digest, RunId};

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn digests(numbers: impl IntoIterator<Item = u8>) -> BTreeSet<Digest> {
        numbers.into_iter().map(|number| Digest::of(&[number])).collect()
    }

    fn ago(hours: i64) -> Timestamp {
        NOW - SignedDuration::from_hours(hours)
    }

    /// Returns a run that ended so many hours ago.
    fn ended(id: &str, hours: i64, needs: &[u8]) -> RunSummary {
        let state = RunState::Ended { ended_at: ago(hours) };
        RunSummary { id: RunId::new(id), state, needs: Some(digests(needs.iter().copied())) }
    }

    fn broken(id: &str, needs: Option<u8>) -> RunSummary {
        let state = RunState::Broken { error: "decoding run.json".to_owned() };
        RunSummary { id: RunId::new(id), state, needs: needs.map(|need| digests([need])) }
    }

    fn live(id: &str, needs: Option<u8>) -> RunSummary {
        RunSummary { state: RunState::Live, ..broken(id, needs) }
    }

    fn policy(newest: Option<usize>, hours: Option<i64>) -> RetentionPolicy {
        RetentionPolicy::new(newest, hours.map(SignedDuration::from_hours))
    }

    #[track_caller]
    fn assert_removed(runs: &[RunSummary], policy: RetentionPolicy, expected: &[&str], numbers: &[u8]) {
        let removal = select_removals(runs, &digests(0..10), policy, NOW);
        let runs: Vec<&str> = removal.runs.iter().map(RunId::as_str).collect();
        assert_eq!(runs, expected);
        assert_eq!(removal.digests, digests(numbers.iter().copied()));
    }

    #[test]
    fn one_limit_that_keeps_a_run_is_enough() {
        let runs = [ended("a", 30, &[0, 1]), ended("b", 20, &[1, 2]), ended("c", 10, &[3]), ended("d", 0, &[0])];
        assert_removed(&runs, policy(Some(3), None), &["a"], &[4, 5, 6, 7, 8, 9]);
        assert_removed(&runs, policy(Some(0), None), &["a", "b", "c", "d"], &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_removed(&runs, policy(Some(9), None), &[], &[4, 5, 6, 7, 8, 9]);
        assert_removed(&runs, policy(None, Some(20)), &["a"], &[4, 5, 6, 7, 8, 9]);
        assert_removed(&runs, policy(None, Some(19)), &["a", "b"], &[1, 2, 4, 5, 6, 7, 8, 9]);
        assert_removed(&runs, policy(Some(1), Some(10)), &["a", "b"], &[1, 2, 4, 5, 6, 7, 8, 9]);
        assert_removed(&runs, policy(Some(3), Some(0)), &["a"], &[4, 5, 6, 7, 8, 9]);
    }

    #[test]
    fn live_and_broken_runs_stay_beside_the_limits() {
        let runs =
            [live("a", Some(1)), broken("b", Some(2)), broken("c", None), ended("d", 99, &[]), ended("e", 9, &[3])];
        assert_removed(&runs, policy(Some(1), None), &["d"], &[0, 4, 5, 6, 7, 8, 9]);
        assert_removed(&runs, policy(Some(0), None), &["d", "e"], &[0, 3, 4, 5, 6, 7, 8, 9]);
        let kept = select_removals(&runs, &digests(0..10), policy(Some(1), Some(100)), NOW).kept;
        assert_eq!(kept, Kept { running: 1, newest: 1, young: 1, broken: 2 });
    }

    #[test]
    fn shared_files_stay_while_a_live_run_has_unknown_needs() {
        let runs = [live("a", None), ended("b", 9, &[3])];
        assert_removed(&runs, policy(Some(0), None), &["b"], &[]);
    }

    #[test]
    fn the_default_policy_keeps_fifty_runs_and_a_week() {
        let old: Vec<_> = (0..60).map(|number| ended(&format!("{number:02}"), 24 * (60 - number), &[])).collect();
        let removal = select_removals(&old, &BTreeSet::new(), policy(None, None), NOW);
        assert_eq!((removal.runs.len(), removal.kept), (10, Kept { newest: 50, ..Kept::default() }));
        let young: Vec<_> = (0..60).map(|number| ended(&format!("{number:02}"), 168, &[])).collect();
        let removal = select_removals(&young, &BTreeSet::new(), policy(None, None), NOW);
        assert_eq!((removal.runs.len(), removal.kept), (0, Kept { newest: 50, young: 10, ..Kept::default() }));
    }

    #[test]
    fn digests_are_read_from_a_damaged_text() {
        let [one, two] = [1, 2].map(|number| Digest::of(&[number]));
        let upper = one.as_str().to_uppercase();
        let text = format!(
            "{{\"x\":\"flakes/{one}#runner\",\"{upper}\":\"{two}0\",\"y\":\"{two}\", \"z\":\"{}",
            &two.as_str()[1..]
        );
        assert_eq!(digests_in(text.as_bytes()), digests([1, 2]));
        assert_eq!(digests_in(&[0xff, b'a']), BTreeSet::new());
    }

    fn any_run() -> impl Strategy<Value = RunSummary> {
        // After the clock was set back, a run may have ended in the future.
        let times = (-5..40_i64).prop_map(|ended| RunState::Ended { ended_at: ago(ended) });
        let state = prop_oneof![
            8 => times,
            1 => Just(RunState::Live),
            1 => Just(RunState::Broken { error: String::new() }),
        ];
        let needs = proptest::option::weighted(0.95, proptest::collection::btree_set(0..10_u8, 0..4));
        (state, needs).prop_map(|(state, needs)| RunSummary { id: RunId::new(""), state, needs: needs.map(digests) })
    }

    /// Returns whether a run is removed, computed for this run alone.
    fn is_removed(runs: &[RunSummary], run: &RunSummary, newest: Option<usize>, hours: Option<i64>) -> bool {
        let RunState::Ended { ended_at } = run.state else { return false };
        let is_newer = |other: &&RunSummary| match other.state {
            RunState::Ended { .. } => other.id > run.id,
            _ => false,
        };
        let (newest, hours) =
            if newest.or(hours.map(|_| 0)).is_none() { (Some(50), Some(168)) } else { (newest, hours) };
        let is_new = newest.is_some_and(|newest| runs.iter().filter(is_newer).count() < newest);
        let is_young = hours.is_some_and(|hours| ended_at >= ago(hours));
        !is_new && !is_young
    }

    proptest! {
        #[test]
        fn the_selection_equals_that_of_single_runs(
            mut runs in proptest::collection::vec(any_run(), 0..70),
            newest in proptest::option::of(0..60_usize),
            hours in proptest::option::of(-5..200_i64),
            stored in proptest::collection::btree_set(0..12_u8, 0..12),
        ) {
            for (number, run) in runs.iter_mut().enumerate() {
                run.id = RunId::new(format!("{}", number * 37 % 100));
            }
            let removal = select_removals(&runs, &digests(stored.iter().copied()), policy(newest, hours), NOW);
            for run in &runs {
                prop_assert_eq!(removal.runs.contains(&run.id), is_removed(&runs, run, newest, hours), "{:?}", run);
            }
            let kept = removal.kept;
            prop_assert_eq!(kept.running + kept.newest + kept.young + kept.broken + removal.runs.len(), runs.len());
            let needs = |run: &RunSummary, digest: &Digest| match &run.needs {
                Some(needs) => needs.contains(digest),
                None => run.state == RunState::Live,
            };
            for digest in digests(0..12) {
                let is_needed = runs.iter().any(|run| !is_removed(&runs, run, newest, hours) && needs(run, &digest));
                let is_stored = digests(stored.iter().copied()).contains(&digest);
                prop_assert_eq!(removal.digests.contains(&digest), is_stored && !is_needed);
            }
        }
    }
}
