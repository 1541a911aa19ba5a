//! Detects changes to a snapshot after it was made, by a digest of its files' metadata that is kept beside it.
//!
//! Reading the content again would cost as much as the copy did. The time of the last change of attributes is left out: it
//! changes when the next snapshot shares a file by a hard link.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, Result};
use rayon::prelude::*;
use rustix::fs::{AtFlags, statat};
use sha2::{Digest as _, Sha256};

use super::file_stat::FileStat;
use super::tree::Tree;
use super::tree_path::parents;
use crate::failpoint::Point;
use crate::foreign::Beneath;
use crate::id::Digest;
use crate::state::{StateLayout, write_atomic};

/// The length of a seal, in bytes.
const SEAL_LEN: u64 = 64;

/// Returns whether the snapshot of a tree exists and is unchanged.
pub(super) fn is_valid(tree: &Tree, layout: &StateLayout) -> bool {
    is_unchanged(tree.copy_id(), &paths(tree), layout)
}

/// Returns whether a snapshot of the given paths, sorted, exists and is unchanged.
#[must_use]
pub fn is_unchanged(snapshot: &Digest, paths: &[&[u8]], layout: &StateLayout) -> bool {
    let seal = layout.snapshot_seal(snapshot).read(SEAL_LEN).ok();
    let current = || seal_digest(&layout.snapshot(snapshot), paths);
    seal.is_some_and(|seal| current().is_ok_and(|current| current.as_str().as_bytes() == seal))
}

/// Writes the seal of a complete copy that is about to become the snapshot of a tree.
pub(super) fn write(tree: &Tree, copy: &Path, layout: &StateLayout) -> Result<()> {
    let path = layout.snapshot_seal(tree.copy_id());
    if let Some(folder) = &path.parent() {
        folder.make_folders().with_context(|| format!("making {}", folder.display()))?;
    }
    write_atomic(Point::Seal, &path, seal_digest(&Beneath::new(copy), &paths(tree))?.as_str().as_bytes())
}

fn paths(tree: &Tree) -> Vec<&[u8]> {
    tree.entries().iter().map(|entry| entry.path.as_slice()).collect()
}

/// Digests the metadata of entries and of their folders: a file that is added to a folder would be visible to a job.
fn seal_digest(folder: &Beneath, entries: &[&[u8]]) -> Result<Digest> {
    let handle = folder.open_folder().with_context(|| format!("opening {}", folder.display()))?;
    let folders: BTreeSet<&[u8]> = entries.iter().flat_map(|path| parents(path)).chain([b".".as_slice()]).collect();
    let all: Vec<&[u8]> = entries.iter().copied().chain(folders).collect();
    let read_stat = |path: &&[u8]| statat(&handle, *path, AtFlags::SYMLINK_NOFOLLOW);
    let stats = all.par_iter().map(read_stat).collect::<Result<Vec<_>, _>>();
    let mut hasher = Sha256::new_with_prefix(b"pikaci seal 1\n");
    for stat in stats.with_context(|| format!("reading the metadata of {}", folder.display()))? {
        let FileStat { inode, len, mtime_ns, .. } = FileStat::from(&stat);
        hasher.update(inode.to_le_bytes());
        hasher.update(len.to_le_bytes());
        hasher.update(mtime_ns.to_le_bytes());
        hasher.update(stat.st_mode.to_le_bytes());
    }
    Ok(Digest::from_hasher(hasher))
}
