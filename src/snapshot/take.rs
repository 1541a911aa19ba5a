//! Takes snapshots of a source tree with the help of its index.
#![expect(clippy::disallowed_methods, reason = "resolves the path of the source tree")]

use std::path::Path;

use anyhow::Context as _;

use super::error::Error;
use super::file_selection::FileSelection;
use super::index::Index;
use super::retry::retry_while_changing;
use super::scan::{scan, scan_once};
use super::store::store;
use super::tree::Tree;
use super::witness;
use crate::config::SnapshotGlobs;
use crate::foreign::Beneath;
use crate::state::StateLayout;

/// Reads a source tree and writes nothing. `globs` add files that git ignores, or leave files out.
///
/// # Errors
/// When the tree can't be read, or keeps changing while it is read.
pub fn read_tree(source_root: &Path, layout: &StateLayout, globs: &SnapshotGlobs) -> Result<Tree, Error> {
    let selection = FileSelection::compile(globs)?;
    let index = Index::load(&index_path(source_root, layout));
    scan(source_root, layout.root(), index.as_ref(), selection.as_ref())
}

/// Reads a source tree and copies it, as [`copy_tree`] does.
///
/// # Errors
/// When the tree can't be read or copied, or keeps changing while it is read.
pub fn take(source_root: &Path, layout: &StateLayout, globs: &SnapshotGlobs) -> Result<Tree, Error> {
    let selection = FileSelection::compile(globs)?;
    let index_path = index_path(source_root, layout);
    let index = Index::load(&index_path);
    let tree = retry_while_changing(|| {
        let tree = scan_once(source_root, layout.root(), index.as_ref(), selection.as_ref())?;
        store(&tree, layout, index.as_ref())?;
        Ok(tree)
    })?;
    update_index(index.as_ref(), &tree, globs, &index_path, layout)?;
    Ok(tree)
}

/// Copies a tree to [`StateLayout::snapshot`] of its [`Tree::copy_id`], unless that snapshot exists. Returns the copied
/// tree: a tree that changed since it was read with `globs` is read again.
///
/// # Errors
/// When the tree can't be copied, or keeps changing while it is read.
pub fn copy_tree(tree: Tree, layout: &StateLayout, globs: &SnapshotGlobs) -> Result<Tree, Error> {
    let index_path = index_path(tree.root(), layout);
    let index = Index::load(&index_path);
    match store(&tree, layout, index.as_ref()) {
        Ok(()) => {}
        Err(Error::Changing { .. }) => return take(tree.root(), layout, globs),
        Err(error) => return Err(error),
    }
    update_index(index.as_ref(), &tree, globs, &index_path, layout)?;
    Ok(tree)
}

/// Writes the index of a tree, unless it is current.
fn update_index(
    index: Option<&Index>,
    tree: &Tree,
    globs: &SnapshotGlobs,
    path: &Beneath,
    layout: &StateLayout,
) -> Result<(), Error> {
    if !index.is_some_and(|index| index.is_current(tree)) {
        // Without witnesses git has to list the files again the next time: slower, but not wrong. The witnesses of git's
        // listing say nothing about the globs.
        let witnesses =
            if globs.is_empty() { witness::collect(tree, layout.root()).unwrap_or_default() } else { Vec::new() };
        Index::new(tree, witnesses).save(path).context("writing the index of the source tree")?;
    }
    Ok(())
}

/// Returns the path of a tree's index, which is the same for every path that leads to the tree.
fn index_path(source_root: &Path, layout: &StateLayout) -> Beneath {
    layout.snapshot_index(&source_root.canonicalize().unwrap_or_else(|_| source_root.to_owned()))
}
