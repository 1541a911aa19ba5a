//! What shows that nobody wrote into a snapshot since it was made: a digest of its files' stamps, kept beside it.
//!
//! The content isn't read again, that would cost as much as the copy did. The time of the last change of attributes is
//! left out: it moves when the next snapshot shares a file by a hard link.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, Result};
use rayon::prelude::*;
use rustix::fs::{AtFlags, statat};
use sha2::{Digest as _, Sha256};

use super::list::parents;
use super::tree::{FileStat, Tree};
use crate::failpoint::Point;
use crate::foreign::Beneath;
use crate::id::Digest;
use crate::state::{StateLayout, write_atomic};

/// The length of a seal, in bytes.
const SEAL_LEN: u64 = 64;

/// Returns whether the snapshot of a tree is there, as it was when it was made.
pub(super) fn is_whole(tree: &Tree, layout: &StateLayout) -> bool {
    is_untouched(tree.copy_id(), &paths(tree), layout)
}

/// Returns whether a snapshot of entries, sorted by path, is there, as it was when it was made.
pub(super) fn is_untouched(snapshot: &Digest, paths: &[&[u8]], layout: &StateLayout) -> bool {
    let seal = layout.snapshot_seal(snapshot).read(SEAL_LEN).ok();
    let now = || of(&layout.snapshot(snapshot), paths);
    seal.is_some_and(|seal| now().is_ok_and(|now| now.as_str().as_bytes() == seal))
}

/// Remembers how a complete copy looks that is about to become the snapshot of a tree.
pub(super) fn write(tree: &Tree, copy: &Path, layout: &StateLayout) -> Result<()> {
    let path = layout.snapshot_seal(tree.copy_id());
    if let Some(folder) = &path.parent() {
        folder.make_folders().with_context(|| format!("making {}", folder.display()))?;
    }
    write_atomic(Point::Seal, &path, of(&Beneath::new(copy), &paths(tree))?.as_str().as_bytes())
}

fn paths(tree: &Tree) -> Vec<&[u8]> {
    tree.entries().iter().map(|entry| entry.path.as_slice()).collect()
}

/// Digests the stamps of entries, and of the folders they are in: what is added there would be seen by a job too.
fn of(folder: &Beneath, entries: &[&[u8]]) -> Result<Digest> {
    let handle = folder.open_folder().with_context(|| format!("opening {}", folder.display()))?;
    let folders: BTreeSet<&[u8]> = entries.iter().flat_map(|path| parents(path)).chain([b".".as_slice()]).collect();
    let all: Vec<&[u8]> = entries.iter().copied().chain(folders).collect();
    let look = |path: &&[u8]| statat(&handle, *path, AtFlags::SYMLINK_NOFOLLOW);
    let stats = all.par_iter().map(look).collect::<Result<Vec<_>, _>>();
    let mut hasher = Sha256::new_with_prefix(b"pikaci seal 1\n");
    for stat in stats.with_context(|| format!("looking at {}", folder.display()))? {
        let FileStat { inode, len, mtime_ns, .. } = FileStat::from(&stat);
        hasher.update(inode.to_le_bytes());
        hasher.update(len.to_le_bytes());
        hasher.update(mtime_ns.to_le_bytes());
        hasher.update(stat.st_mode.to_le_bytes());
    }
    Ok(Digest::finish(hasher))
}
