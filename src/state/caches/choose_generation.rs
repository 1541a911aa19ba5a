//! The choice of a generation for a key: a function of values.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::event::CacheStart;
use crate::id::Digest;

/// Digests of files, by the globs that match the files.
pub(super) type Key = BTreeMap<String, Digest>;

/// The removal of a generation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Eviction {
    /// Key of the generation.
    pub(super) key: Key,
    /// Time of the removal.
    pub(super) at: Timestamp,
    /// Reason of the removal.
    pub(super) reason: String,
}

/// The generation that a job gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Choice {
    /// Number of the generation.
    pub(super) number: Option<u32>,
    pub(super) start: CacheStart,
    /// The reason for which it isn't one for the key.
    pub(super) reason: Option<String>,
}

/// Chooses the newest generation for a key, or else the newest one. The generations are sorted by their numbers.
pub(super) fn choose(generations: &[(u32, &Key)], evictions: &[Eviction], key: &Key, now: Timestamp) -> Choice {
    if let Some((number, _)) = generations.iter().rev().find(|(_, other)| *other == key) {
        return Choice { number: Some(*number), start: CacheStart::Hit, reason: None };
    }
    let evicted = evictions.iter().rev().find(|eviction| eviction.key == *key);
    let evicted = evicted.map(|eviction| format!("evicted {} ago: {}", age(eviction.at, now), eviction.reason));
    if let Some((number, other)) = generations.last() {
        let reason = evicted.unwrap_or_else(|| format!("key changed: {}", changed(other, key).join(", ")));
        return Choice { number: Some(*number), start: CacheStart::FallBack, reason: Some(reason) };
    }
    let reason = evicted.unwrap_or_else(|| "cold".to_owned());
    Choice { number: None, start: CacheStart::Miss, reason: Some(reason) }
}

/// Returns the globs whose files differ.
fn changed(old: &Key, new: &Key) -> Vec<String> {
    let globs: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    globs.into_iter().filter(|glob| old.get(*glob) != new.get(*glob)).cloned().collect()
}

fn age(since: Timestamp, now: Timestamp) -> String {
    let secs = now.as_second().saturating_sub(since.as_second()).max(0);
    match secs {
        0..60 => format!("{secs}s"),
        60..3600 => format!("{}m", secs / 60),
        3600..172_800 => format!("{}h", secs / 3600),
        _ => format!("{}d", secs / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{Eviction, Key, choose};
    use crate::id::Digest;

    fn key(files: &[(&str, u8)]) -> Key {
        files.iter().map(|(glob, content)| ((*glob).to_owned(), Digest::of(&[*content]))).collect()
    }

    #[test]
    fn the_newest_generation_for_the_key_is_chosen_or_else_the_newest() {
        let (one, two, other) = (key(&[("a", 1)]), key(&[("a", 1), ("b", 2)]), key(&[("a", 2), ("b", 2)]));
        let at = |secs| Timestamp::from_second(secs).unwrap();
        let eviction = |key: &Key, secs| Eviction { key: key.clone(), at: at(secs), reason: "size".to_owned() };
        let generations = [(1, &one), (2, &two), (3, &two), (5, &one)];
        let evictions = [eviction(&one, 0), eviction(&other, 40_000), eviction(&other, 92_800)];
        for (generations, evictions, key, expected) in [
            (&generations[..], &evictions[..], &two, "Some(3) hit"),
            (&generations[..], &evictions[..0], &one, "Some(5) hit"),
            (&generations[..2], &evictions[..1], &other, "Some(2) fall-back key changed: a"),
            (&generations[..1], &evictions[..1], &other, "Some(1) fall-back key changed: a, b"),
            (&generations[..], &evictions[..], &other, "Some(5) fall-back evicted 2h ago: size"),
            (&generations[..0], &evictions[..2], &other, "None miss evicted 16h ago: size"),
            (&generations[..0], &evictions[..], &one, "None miss evicted 27h ago: size"),
            (&generations[..0], &evictions[..], &two, "None miss cold"),
        ] {
            let choice = choose(generations, evictions, key, at(100_000));
            let reason = choice.reason.map_or(String::new(), |reason| format!(" {reason}"));
            assert_eq!(format!("{:?} {}{reason}", choice.number, choice.start.word()), expected);
        }
    }
}
