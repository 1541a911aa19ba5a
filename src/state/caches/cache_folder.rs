//! The folder of a cache: its generations, and the choice of one.

#![expect(clippy::disallowed_methods, reason = "reads the clock")]

use std::time::SystemTime;

use anyhow::Result;
use jiff::Timestamp;
use rustix::fs::{Mode, OFlags};

use super::choose_generation::{Choice, Eviction, Key, choose};
use super::generation::{RECORD, StoredGeneration, generations_in};
use crate::event::CacheStart;
use crate::failpoint::Point;
use crate::foreign::Beneath;
use crate::plan::PlannedCache;
use crate::state::file_lock::FileLock;
use crate::state::read_json::read_json;
use crate::state::state_layout::StateLayout;
use crate::state::write::write_json;

/// Name of the file with the removed generations.
const EVICTIONS: &str = "evicted.json";
/// Number of removed generations that a cache remembers.
const MAX_EVICTIONS: usize = 16;
/// Number of times that a generation is chosen while others are removed.
const TRIES: usize = 5;

/// The folder of a cache and a scope.
#[derive(Clone, Debug)]
pub struct CacheFolder {
    pub(super) folder: Beneath,
    pub(super) lock: Beneath,
}

/// The content of a cache for a job. No process removes it while this value exists.
#[derive(Debug)]
pub struct OpenedCache {
    /// The generation; `None` for an empty cache.
    pub generation: Option<StoredGeneration>,
    /// The kind of content.
    pub start: CacheStart,
    /// The reason for which it isn't a generation for the key.
    pub reason: Option<String>,
    _share: Option<FileLock>,
}

impl CacheFolder {
    /// Returns the folder of a cache of a job.
    #[must_use]
    pub fn of(state: &StateLayout, cache: &PlannedCache) -> Self {
        Self::named(state, &cache.name, &cache.scope)
    }

    /// Returns the folder of a cache and a scope.
    #[must_use]
    pub fn named(state: &StateLayout, name: &str, scope: &str) -> Self {
        Self { folder: state.cache(name, scope), lock: state.cache_lock(name, scope) }
    }

    /// Returns whether there is a generation for a key.
    #[must_use]
    pub fn is_warm(&self, key: &Key) -> bool {
        // A cache that can't be read is empty.
        generations_in(&self.folder).unwrap_or_default().iter().any(|generation| generation.record.key == *key)
    }

    /// Opens the content for a key.
    ///
    /// # Errors
    /// When the folder can't be read.
    pub fn open(&self, key: &Key) -> Result<OpenedCache> {
        for _ in 0..TRIES {
            let mut generations = generations_in(&self.folder)?;
            let keys: Vec<(u32, &Key)> =
                generations.iter().map(|generation| (generation.number, &generation.record.key)).collect();
            let Choice { number, start, reason } = choose(&keys, &self.evictions(), key, Timestamp::now());
            let Some(number) = number else {
                return Ok(OpenedCache { generation: None, start, reason, _share: None });
            };
            generations.retain(|generation| generation.number == number);
            let Some(generation) = generations.pop() else { continue };
            // Before the share was taken, another process may have removed the generation.
            let Ok(share) = FileLock::share_folder(&generation.folder) else { continue };
            if StoredGeneration::read(generation.folder.clone()).is_none() {
                continue;
            }
            record_use(&generation);
            return Ok(OpenedCache { generation: Some(generation), start, reason, _share: Some(share) });
        }
        Ok(OpenedCache { generation: None, start: CacheStart::Miss, reason: Some("cold".to_owned()), _share: None })
    }

    pub(super) fn evictions(&self) -> Vec<Eviction> {
        // Without the file, only the reason of a miss is lost.
        read_json(&self.folder.join(EVICTIONS)).unwrap_or_default()
    }

    /// Records that a generation is removed. The caller holds the lock of the cache.
    pub(super) fn record_eviction(&self, key: &Key, reason: &str) -> Result<()> {
        let mut evictions = self.evictions();
        evictions.retain(|eviction| eviction.key != *key);
        evictions.push(Eviction { key: key.clone(), at: Timestamp::now(), reason: reason.to_owned() });
        let first = evictions.len().saturating_sub(MAX_EVICTIONS);
        write_json(Point::Evictions, &self.folder.join(EVICTIONS), &evictions.split_off(first))
    }
}

/// Records the time of a use, by which the oldest generations are removed first.
fn record_use(generation: &StoredGeneration) {
    let file = generation.folder.join(RECORD).open_regular(OFlags::WRONLY, Mode::empty());
    // A generation that can't be written to is only removed earlier.
    file.and_then(|file| file.set_modified(SystemTime::now())).ok();
}
