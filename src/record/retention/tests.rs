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
    RunSummary { id: RunId::new(id), state, needs: Some(digests(needs.iter().copied())), taken_from: BTreeSet::new() }
}

fn broken(id: &str, needs: Option<u8>) -> RunSummary {
    let state = RunState::Broken { error: "decoding run.json".to_owned() };
    RunSummary { id: RunId::new(id), state, needs: needs.map(|need| digests([need])), taken_from: BTreeSet::new() }
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
    let runs = [live("a", Some(1)), broken("b", Some(2)), broken("c", None), ended("d", 99, &[]), ended("e", 9, &[3])];
    assert_removed(&runs, policy(Some(1), None), &["d"], &[0, 4, 5, 6, 7, 8, 9]);
    assert_removed(&runs, policy(Some(0), None), &["d", "e"], &[0, 3, 4, 5, 6, 7, 8, 9]);
    let kept = select_removals(&runs, &digests(0..10), policy(Some(1), Some(100)), NOW).kept;
    assert_eq!(kept, Kept { running: 1, newest: 1, young: 1, taken: 0, broken: 2 });
}

#[test]
fn a_run_stays_while_a_remaining_run_has_taken_its_results() {
    let taking =
        |id: &str, hours, from: &str| RunSummary { taken_from: [RunId::new(from)].into(), ..ended(id, hours, &[]) };
    let runs = [ended("a", 50, &[1]), taking("b", 40, "a"), ended("c", 30, &[2]), taking("d", 20, "b")];
    assert_removed(&runs, policy(Some(1), None), &["c"], &[0, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert_removed(&runs, policy(Some(0), None), &["a", "b", "c", "d"], &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    let live = RunSummary { state: RunState::Live, ..taking("e", 0, "c") };
    assert_removed(
        &[runs[0].clone(), runs[2].clone(), live],
        policy(Some(0), None),
        &["a"],
        &[0, 1, 3, 4, 5, 6, 7, 8, 9],
    );
}

#[test]
fn shared_files_stay_while_the_needs_of_a_live_run_are_unreadable() {
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
    (state, needs).prop_map(|(state, needs)| RunSummary {
        id: RunId::new(""),
        state,
        needs: needs.map(digests),
        taken_from: BTreeSet::new(),
    })
}

/// Returns whether a run is removed, computed for this run alone.
fn is_removed(runs: &[RunSummary], run: &RunSummary, newest: Option<usize>, hours: Option<i64>) -> bool {
    let RunState::Ended { ended_at } = run.state else { return false };
    let is_newer = |other: &&RunSummary| match other.state {
        RunState::Ended { .. } => other.id > run.id,
        _ => false,
    };
    let (newest, hours) = if newest.or(hours.map(|_| 0)).is_none() { (Some(50), Some(168)) } else { (newest, hours) };
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
        prop_assert_eq!(kept.running + kept.newest + kept.young + kept.taken + kept.broken + removal.runs.len(), runs.len());
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
