#![expect(clippy::disallowed_methods, reason = "resolves where the source tree is")]
//! Content-addressed copies of the source tree, and what changed in it.
//!
//! A snapshot holds the tracked files and the untracked ones that aren't ignored, as they are in the working tree, with
//! their times, and empty folders; outside a git repository all files; never the state folder, and never `.git` or what
//! other systems of versions keep: a job sees the tree, not its history. Submodules and repositories inside the repository
//! are listed by git in the same way.
//!
//! [`peek`] only reads, [`take`] also copies. Both are quick on a tree that hasn't changed because of an index.

mod change;
mod codec;
mod copy;
#[cfg_attr(target_os = "macos", path = "disk_macos.rs")]
mod disk;
mod error;
mod folders;
mod git;
mod index;
mod list;
mod scan;
mod seal;
mod store;
#[cfg(test)]
mod tests;
mod tree;
mod walk;
mod witness;

use std::path::Path;

use anyhow::Context as _;

pub use change::{ChangedFiles, Head, changed_files, head};
pub use disk::copy_content;
pub use error::Error;
pub use git::tracked_in;
pub use index::Index;
pub use list::split as split_listing;
pub use scan::is_intact;
pub use tree::{Entry, EntryKind, FileStat, Tree};

use crate::foreign::Beneath;
use crate::state::StateLayout;
use scan::scan;
use store::store;

/// How often a tree is read again that changes while it is read.
const ATTEMPTS: u32 = 3;

/// Reads a source tree and writes nothing.
///
/// # Errors
/// When the tree can't be read, or doesn't stand still.
pub fn peek(source_root: &Path, layout: &StateLayout) -> Result<Tree, Error> {
    scan(source_root, layout.root(), Index::load(&index_path(source_root, layout)).as_ref())
}

/// Reads a source tree and makes sure that there is a copy of it, [`StateLayout::snapshot`] of its [`Tree::copy_id`].
///
/// # Errors
/// When the tree can't be read or copied, or doesn't stand still.
pub fn take(source_root: &Path, layout: &StateLayout) -> Result<Tree, Error> {
    let index_path = index_path(source_root, layout);
    let known = Index::load(&index_path);
    let tree = still(|| {
        let tree = scan::scan_once(source_root, layout.root(), known.as_ref())?;
        store(&tree, layout, known.as_ref())?;
        Ok(tree)
    })?;
    if !known.is_some_and(|known| known.describes(&tree)) {
        // Without witnesses git lists the files the next time too: slower, not wrong.
        let witnesses = witness::gather(&tree, layout.root()).unwrap_or_default();
        Index::of(&tree, witnesses).save(&index_path).context("remembering the source tree")?;
    }
    Ok(tree)
}

/// Returns the index of a tree, by whatever path the tree is named.
fn index_path(source_root: &Path, layout: &StateLayout) -> Beneath {
    layout.snapshot_index(&source_root.canonicalize().unwrap_or_else(|_| source_root.to_owned()))
}

/// Repeats a step as long as the tree changes under it, but not for ever.
fn still<T>(step: impl Fn() -> Result<T, Error>) -> Result<T, Error> {
    for _ in 1..ATTEMPTS {
        match step() {
            Err(Error::Changing { .. }) => {}
            result => return result,
        }
    }
    step()
}
