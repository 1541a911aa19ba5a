//! Removal of generations: obsolete ones, and the oldest ones while the caches are too large.

use std::collections::BTreeSet;
use std::io::ErrorKind;

use anyhow::{Context as _, Result};

use super::cache_folder::CacheFolder;
use super::generation::{StoredGeneration, cache_folders, generations_in, stored_generations};
use crate::failpoint::{Point, run_step};
use crate::foreign::Beneath;
use crate::state::file_lock::FileLock;
use crate::state::gc::trash::move_to;
use crate::state::remove_tree::remove_tree;
use crate::state::state_layout::StateLayout;
use crate::state::temporary_name::TEMPORARY_PREFIX;

/// The operator's limits on all caches of a state folder.
#[derive(Clone, Copy, Debug)]
pub struct CacheLimits {
    /// Maximum size of all caches, in bytes.
    pub total: u64,
    /// Space that caches leave free on the disk, in bytes.
    pub free: u64,
}

impl CacheLimits {
    /// Returns the reason to remove a generation, if the caches have `used` bytes and the disk has `free` bytes left.
    fn excess(self, used: u64, free: u64) -> Option<&'static str> {
        if used > self.total {
            Some("size")
        } else if free < self.free {
            Some("the disk was full")
        } else {
            None
        }
    }
}

/// Returns the generations that were used the longest time ago and that exceed the limits, each with its size in bytes and
/// the reason.
///
/// # Errors
/// When a folder can't be read.
pub fn excess_generations(
    state: &StateLayout,
    limits: CacheLimits,
) -> Result<Vec<(StoredGeneration, u64, &'static str)>> {
    let mut generations = stored_generations(state)?;
    generations.sort_by_key(|generation| (generation.used_at, generation.number));
    let files: Vec<Files> = generations.iter().map(StoredGeneration::sizes).collect();
    let excess = select_excess(&files, limits, free_bytes(state)?);
    Ok(generations.into_iter().zip(excess).map(|(generation, (bytes, reason))| (generation, bytes, reason)).collect())
}

/// Sizes of the files of a generation in bytes, by the identities of the files.
type Files = Vec<((u64, u64), u64)>;

/// Selects the first generations that exceed the limits, each with its size in bytes and the reason. A file of several
/// generations counts once.
fn select_excess(generations: &[Files], limits: CacheLimits, mut free: u64) -> Vec<(u64, &'static str)> {
    let used = |from: usize| {
        let files: BTreeSet<_> = generations[from..].iter().flatten().collect();
        files.into_iter().map(|(_, bytes)| bytes).sum::<u64>()
    };
    let mut selected = Vec::new();
    while selected.len() < generations.len() {
        let (before, after) = (used(selected.len()), used(selected.len() + 1));
        let Some(reason) = limits.excess(before, free) else { break };
        let freed = before.saturating_sub(after);
        free = free.saturating_add(freed);
        selected.push((freed, reason));
    }
    selected
}

/// Removes the generations that were used the longest time ago until the caches are within the limits. Returns the
/// removed ones, each with its size in bytes. Generations that jobs use stay.
///
/// # Errors
/// When a folder can't be read or removed.
pub fn evict_generations(state: &StateLayout, limits: CacheLimits) -> Result<Vec<(StoredGeneration, u64)>> {
    let mut removed = Vec::new();
    for (generation, bytes, reason) in excess_generations(state, limits)? {
        let folder = CacheFolder::named(state, &generation.record.cache, &generation.record.scope);
        let _lock = FileLock::exclusive(Point::CacheLock, &folder.lock)?;
        if remove_generation(&generation.folder)? {
            folder.record_eviction(&generation.record.key, reason)?;
            removed.push((generation, bytes));
        }
    }
    Ok(removed)
}

/// Returns the generations that newer ones for the same keys replace.
///
/// # Errors
/// When a folder can't be read.
pub fn replaced_generations(state: &StateLayout) -> Result<Vec<StoredGeneration>> {
    let mut replaced = Vec::new();
    for folder in cache_folders(state)? {
        let mut keys = BTreeSet::new();
        let newest_first = generations_in(&folder)?.into_iter().rev();
        replaced.extend(newest_first.filter(|generation| !keys.insert(generation.record.key.clone())));
    }
    Ok(replaced)
}

fn free_bytes(state: &StateLayout) -> Result<u64> {
    let disk = rustix::fs::statvfs(state.root()).context("reading the free space on the disk")?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Removes a generation, unless a job uses it. Returns false if it stays.
///
/// # Errors
/// When it can't be locked or removed.
pub fn remove_generation(folder: &Beneath) -> Result<bool> {
    let Some(_alone) = FileLock::try_folder(Point::RemovalGuard, folder)? else { return Ok(!folder.is_there()) };
    let parent = folder.parent().context("a generation lies in the folder of its cache")?;
    let _share = FileLock::share_folder(&parent)?;
    let trash = tempfile::Builder::new()
        .prefix(TEMPORARY_PREFIX)
        .tempdir_in(&parent)
        .with_context(|| format!("making a folder in {}", parent.display()))?
        .keep();
    // One rename, so that a generation is whole under its name, or absent.
    match run_step(Point::MoveToTrash, || move_to(folder.checked()?, &trash.join("generation"))) {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        moved => moved.with_context(|| format!("removing {}", folder.display()))?,
    }
    run_step(Point::EmptyTrash, || remove_tree(&trash))?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::{CacheLimits, select_excess};

    #[test]
    fn the_size_of_all_caches_and_the_free_space_are_limits() {
        let limits = CacheLimits { total: 100, free: 10 };
        for (used, free, reason) in
            [(100, 10, None), (101, 10, Some("size")), (101, 0, Some("size")), (0, 9, Some("the disk was full"))]
        {
            assert_eq!(limits.excess(used, free), reason, "{used} {free}");
        }
    }

    #[test]
    fn the_oldest_generations_go_first_and_shared_layers_with_the_last_one() {
        let layers = |sizes: &[(u64, u64)]| sizes.iter().map(|(file, bytes)| ((1, *file), *bytes)).collect::<Vec<_>>();
        let generations = [layers(&[(1, 50)]), layers(&[(2, 10), (1, 50)]), layers(&[(3, 30)]), layers(&[(4, 10)])];
        let select = |total, free, left| {
            let selected = select_excess(&generations, CacheLimits { total, free }, left);
            selected.into_iter().map(|(bytes, reason)| format!("{bytes} {reason}")).collect::<Vec<_>>().join(", ")
        };
        assert_eq!(select(100, 0, 0), "");
        assert_eq!(select(99, 0, 0), "0 size, 60 size");
        assert_eq!(select(1, 0, 0), "0 size, 60 size, 30 size, 10 size");
        assert_eq!(select(1000, 70, 5), "0 the disk was full, 60 the disk was full, 30 the disk was full");
    }
}
