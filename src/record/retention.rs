//! Which runs may go, and what nobody needs once they are gone. The clock is a value.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::id::{Digest, RunId};

/// How many runs stay where nobody says otherwise.
const KEEP_RUNS: usize = 50;
/// How long runs stay where nobody says otherwise: 7 days.
const KEEP_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Which ended runs stay: those that one of the limits keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    newest: Option<usize>,
    younger_than: Option<SignedDuration>,
}

/// A run as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunSummary {
    /// The run.
    pub id: RunId,
    /// Where it stands.
    pub standing: Standing,
    /// The digests that its plan and its record name; `None` where nobody knows.
    pub needs: Option<BTreeSet<Digest>>,
}

/// Where a run stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Its process is there.
    Live,
    /// It has ended.
    Ended {
        /// When it ended.
        ended_at: Timestamp,
    },
    /// Its record can't be read.
    Broken {
        /// Why not.
        error: String,
    },
}

/// What may go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removal {
    /// Runs.
    pub runs: BTreeSet<RunId>,
    /// What is stored and no run needs that stays.
    pub digests: BTreeSet<Digest>,
    /// Why the other runs stay.
    pub kept: Kept,
}

/// How many runs stay, each counted under the first reason that it has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// Their processes are there.
    pub running: usize,
    /// They are among the newest.
    pub newest: usize,
    /// They ended not long enough ago.
    pub young: usize,
    /// Their records can't be read: whether they may go is for people to say.
    pub broken: usize,
}

impl Policy {
    /// Takes the limits that are asked for; where none is, those that hold otherwise.
    #[must_use]
    pub fn new(newest: Option<usize>, younger_than: Option<SignedDuration>) -> Self {
        match (newest, younger_than) {
            (None, None) => Self { newest: Some(KEEP_RUNS), younger_than: Some(KEEP_FOR) },
            _ => Self { newest, younger_than },
        }
    }
}

/// Returns the runs that may go, and of what is stored all that no other run needs.
#[must_use]
pub fn choose(runs: &[RunSummary], stored: &BTreeSet<Digest>, policy: Policy, now: Timestamp) -> Removal {
    // By their ids, which sort as they began even where the clock was set back.
    let mut ended: BTreeMap<&RunId, Timestamp> = BTreeMap::new();
    let mut removal = Removal::default();
    for run in runs {
        match run.standing {
            Standing::Live => removal.kept.running += 1,
            Standing::Broken { .. } => removal.kept.broken += 1,
            Standing::Ended { ended_at } => drop(ended.insert(&run.id, ended_at)),
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
    let stays = |run: &&RunSummary| !removal.runs.contains(&run.id);
    // What a run that is running needs has to be known.
    if runs.iter().all(|run| run.standing != Standing::Live || run.needs.is_some()) {
        let needed: BTreeSet<&Digest> =
            runs.iter().filter(stays).filter_map(|run| run.needs.as_ref()).flatten().collect();
        removal.digests = stored.iter().filter(|digest| !needed.contains(digest)).cloned().collect();
    }
    removal
}

/// Returns all digests that a text names: a plan's, even when another version wrote it or its end is lost.
#[must_use]
pub fn named_in(text: &[u8]) -> BTreeSet<Digest> {
    let words = text.split(|byte| !byte.is_ascii_hexdigit()).filter(|word| word.len() == 64);
    words.filter_map(|word| Digest::try_from(String::from_utf8(word.to_vec()).ok()?).ok()).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use jiff::{SignedDuration, Timestamp};
    use proptest::prelude::*;

    use super::{Kept, Policy, RunSummary, Standing, choose, named_in};
    use crate::id::{Digest, RunId};

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn digests(numbers: impl IntoIterator<Item = u8>) -> BTreeSet<Digest> {
        numbers.into_iter().map(|number| Digest::of(&[number])).collect()
    }

    fn ago(hours: i64) -> Timestamp {
        NOW - SignedDuration::from_hours(hours)
    }

    /// A run that ended so many hours ago.
    fn ended(id: &str, hours: i64, needs: &[u8]) -> RunSummary {
        let standing = Standing::Ended { ended_at: ago(hours) };
        RunSummary { id: RunId::new(id), standing, needs: Some(digests(needs.iter().copied())) }
    }

    fn broken(id: &str, needs: Option<u8>) -> RunSummary {
        let standing = Standing::Broken { error: "decoding run.json".to_owned() };
        RunSummary { id: RunId::new(id), standing, needs: needs.map(|need| digests([need])) }
    }

    fn live(id: &str, needs: Option<u8>) -> RunSummary {
        RunSummary { standing: Standing::Live, ..broken(id, needs) }
    }

    fn policy(newest: Option<usize>, hours: Option<i64>) -> Policy {
        Policy::new(newest, hours.map(SignedDuration::from_hours))
    }

    #[track_caller]
    fn assert_goes(runs: &[RunSummary], policy: Policy, expected: &[&str], numbers: &[u8]) {
        let removal = choose(runs, &digests(0..10), policy, NOW);
        let runs: Vec<&str> = removal.runs.iter().map(RunId::as_str).collect();
        assert_eq!(runs, expected);
        assert_eq!(removal.digests, digests(numbers.iter().copied()));
    }

    #[test]
    fn one_limit_that_keeps_a_run_is_enough() {
        let runs = [ended("a", 30, &[0, 1]), ended("b", 20, &[1, 2]), ended("c", 10, &[3]), ended("d", 0, &[0])];
        assert_goes(&runs, policy(Some(3), None), &["a"], &[4, 5, 6, 7, 8, 9]);
        assert_goes(&runs, policy(Some(0), None), &["a", "b", "c", "d"], &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_goes(&runs, policy(Some(9), None), &[], &[4, 5, 6, 7, 8, 9]);
        assert_goes(&runs, policy(None, Some(20)), &["a"], &[4, 5, 6, 7, 8, 9]);
        assert_goes(&runs, policy(None, Some(19)), &["a", "b"], &[1, 2, 4, 5, 6, 7, 8, 9]);
        assert_goes(&runs, policy(Some(1), Some(10)), &["a", "b"], &[1, 2, 4, 5, 6, 7, 8, 9]);
        assert_goes(&runs, policy(Some(3), Some(0)), &["a"], &[4, 5, 6, 7, 8, 9]);
    }

    #[test]
    fn what_runs_or_is_broken_stays_and_takes_no_place() {
        let runs =
            [live("a", Some(1)), broken("b", Some(2)), broken("c", None), ended("d", 99, &[]), ended("e", 9, &[3])];
        assert_goes(&runs, policy(Some(1), None), &["d"], &[0, 4, 5, 6, 7, 8, 9]);
        assert_goes(&runs, policy(Some(0), None), &["d", "e"], &[0, 3, 4, 5, 6, 7, 8, 9]);
        let kept = choose(&runs, &digests(0..10), policy(Some(1), Some(100)), NOW).kept;
        assert_eq!(kept, Kept { running: 1, newest: 1, young: 1, broken: 2 });
    }

    #[test]
    fn nothing_goes_that_a_running_run_may_need() {
        let runs = [live("a", None), ended("b", 9, &[3])];
        assert_goes(&runs, policy(Some(0), None), &["b"], &[]);
    }

    #[test]
    fn without_limits_fifty_runs_and_a_week_stay() {
        let old: Vec<_> = (0..60).map(|number| ended(&format!("{number:02}"), 24 * (60 - number), &[])).collect();
        let removal = choose(&old, &BTreeSet::new(), policy(None, None), NOW);
        assert_eq!((removal.runs.len(), removal.kept), (10, Kept { newest: 50, ..Kept::default() }));
        let young: Vec<_> = (0..60).map(|number| ended(&format!("{number:02}"), 168, &[])).collect();
        let removal = choose(&young, &BTreeSet::new(), policy(None, None), NOW);
        assert_eq!((removal.runs.len(), removal.kept), (0, Kept { newest: 50, young: 10, ..Kept::default() }));
    }

    #[test]
    fn digests_are_found_in_whatever_is_left_of_a_text() {
        let [one, two] = [1, 2].map(|number| Digest::of(&[number]));
        let upper = one.as_str().to_uppercase();
        let text = format!(
            "{{\"x\":\"flakes/{one}#runner\",\"{upper}\":\"{two}0\",\"y\":\"{two}\", \"z\":\"{}",
            &two.as_str()[1..]
        );
        assert_eq!(named_in(text.as_bytes()), digests([1, 2]));
        assert_eq!(named_in(&[0xff, b'a']), BTreeSet::new());
    }

    fn any_run() -> impl Strategy<Value = RunSummary> {
        // What ended in the future did so before the clock was set back.
        let times = (-5..40_i64).prop_map(|ended| Standing::Ended { ended_at: ago(ended) });
        let standing = prop_oneof![
            8 => times,
            1 => Just(Standing::Live),
            1 => Just(Standing::Broken { error: String::new() }),
        ];
        let needs = proptest::option::weighted(0.95, proptest::collection::btree_set(0..10_u8, 0..4));
        (standing, needs).prop_map(|(standing, needs)| RunSummary {
            id: RunId::new(""),
            standing,
            needs: needs.map(digests),
        })
    }

    /// The same, asked of each run and each digest alone.
    fn goes(runs: &[RunSummary], run: &RunSummary, newest: Option<usize>, hours: Option<i64>) -> bool {
        let Standing::Ended { ended_at } = run.standing else { return false };
        let is_newer = |other: &&RunSummary| match other.standing {
            Standing::Ended { .. } => other.id > run.id,
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
        fn as_an_oracle_says(
            mut runs in proptest::collection::vec(any_run(), 0..70),
            newest in proptest::option::of(0..60_usize),
            hours in proptest::option::of(-5..200_i64),
            stored in proptest::collection::btree_set(0..12_u8, 0..12),
        ) {
            for (number, run) in runs.iter_mut().enumerate() {
                run.id = RunId::new(format!("{}", number * 37 % 100));
            }
            let removal = choose(&runs, &digests(stored.iter().copied()), policy(newest, hours), NOW);
            for run in &runs {
                prop_assert_eq!(removal.runs.contains(&run.id), goes(&runs, run, newest, hours), "{:?}", run);
            }
            let kept = removal.kept;
            prop_assert_eq!(kept.running + kept.newest + kept.young + kept.broken + removal.runs.len(), runs.len());
            let needs = |run: &RunSummary, digest: &Digest| match &run.needs {
                Some(needs) => needs.contains(digest),
                None => run.standing == Standing::Live,
            };
            for digest in digests(0..12) {
                let is_needed = runs.iter().any(|run| !goes(&runs, run, newest, hours) && needs(run, &digest));
                let is_stored = digests(stored.iter().copied()).contains(&digest);
                prop_assert_eq!(removal.digests.contains(&digest), is_stored && !is_needed);
            }
        }
    }
}
