//! Removal of generations of caches.

use anyhow::Result;

use super::candidate::{Candidate, RemovalGuard};
use super::survey::entry_names;
use crate::record::{RemovedItem, RemovedKind};
use crate::state::caches::{
    CacheLimits, StoredGeneration, cache_folders, evict_generations, excess_generations, remove_generation,
    replaced_generations,
};
use crate::state::state_layout::StateLayout;
use crate::state::temporary_name::is_temporary;

/// Removes generations that newer ones replace, and the oldest ones beyond the limits.
pub(super) fn remove_generations(state: &StateLayout, limits: CacheLimits) -> Result<Vec<RemovedItem>> {
    let mut removed = Vec::new();
    for generation in replaced_generations(state)? {
        let bytes = generation.bytes();
        if remove_generation(&generation.folder)? {
            removed.push(item(&generation, bytes));
        }
    }
    let evicted = evict_generations(state, limits)?;
    removed.extend(evicted.iter().map(|(generation, bytes)| item(generation, *bytes)));
    Ok(removed)
}

/// Returns a forecast of [`remove_generations`].
pub(super) fn preview_generations(state: &StateLayout, limits: CacheLimits) -> Result<Vec<RemovedItem>> {
    let replaced = replaced_generations(state)?;
    let mut removed: Vec<RemovedItem> =
        replaced.iter().map(|generation| item(generation, generation.bytes())).collect();
    for (generation, bytes, _) in excess_generations(state, limits)? {
        if replaced.iter().all(|other| other.folder != generation.folder) {
            removed.push(item(&generation, bytes));
        }
    }
    Ok(removed)
}

fn item(generation: &StoredGeneration, bytes: u64) -> RemovedItem {
    RemovedItem { kind: RemovedKind::Cache, path: generation.folder.relative().to_owned(), bytes }
}

/// Returns the leftovers of processes that were killed while they made or removed a generation.
pub(super) fn cache_leftovers(state: &StateLayout) -> Result<Vec<Candidate>> {
    let mut leftovers = Vec::new();
    for folder in cache_folders(state)? {
        let guard = RemovalGuard::Folder(folder.clone());
        let names = entry_names(&folder)?.into_iter().filter(|name| is_temporary(name));
        leftovers
            .extend(names.map(|name| Candidate { guard: guard.clone(), ..Candidate::leftover(folder.join(name)) }));
    }
    Ok(leftovers)
}
