//! Reads a source tree.
#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "reads the source tree")]

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::error::Error;
use super::file_selection::FileSelection;
use super::index::Index;
use super::list::list;
use super::listed_entry::ListedKind;
use super::read_entries::read_entries;
use super::retry::retry_while_changing;
use super::tree::Tree;
use super::walk;
use crate::foreign::Beneath;
use crate::id::Digest;

/// Reads all files of a source tree, except those that are unchanged since the index was written.
///
/// # Errors
/// When a file can't be read, git fails, or the tree keeps changing while it is read.
pub(super) fn scan(
    source_root: &Path,
    state_root: &Path,
    index: Option<&Index>,
    selection: Option<&FileSelection>,
) -> Result<Tree, Error> {
    retry_while_changing(|| scan_once(source_root, state_root, index, selection))
}

/// Reads a source tree, and fails when the tree changes meanwhile.
pub(super) fn scan_once(
    root: &Path,
    state_root: &Path,
    index: Option<&Index>,
    selection: Option<&FileSelection>,
) -> Result<Tree, Error> {
    let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let handle = File::open(root).map_err(|source| Error::Read { path: root.to_owned(), source })?;
    let mut listing = list(root, state_root, index, selection)?;
    let skipped = listing
        .entries
        .extract_if(.., |entry| entry.kind == ListedKind::Special)
        .map(|entry| PathBuf::from(OsStr::from_bytes(&entry.path)))
        .collect();
    let digests = match index {
        Some(index) => index.unchanged_contents(&listing.entries),
        None => vec![None; listing.entries.len()],
    };
    let entries = read_entries(&handle, listing.entries, digests)?;
    let started_ns = i64::try_from(started.as_nanos()).unwrap_or(i64::MAX);
    let mut tree = Tree::new(root.to_owned(), entries, skipped, started_ns);
    tree.included = listing.included;
    tree.unmatched_excludes = selection.map(FileSelection::unmatched_excludes).unwrap_or_default();
    tree.listed_from_index = listing.from_index;
    Ok(tree)
}

/// Returns whether a folder holds exactly the tree with the given digest. Reads all files.
///
/// # Errors
/// When a file in the folder can't be read.
pub fn is_intact(folder: &Beneath, digest: &Digest) -> Result<bool, Error> {
    Ok(read_snapshot(folder)?.is_some_and(|tree| tree.digest() == digest))
}

/// Reads the tree of a snapshot, or returns `None` if the folder holds a file that no snapshot has. Reads all files.
///
/// # Errors
/// When a file in the folder can't be read.
pub fn read_snapshot(folder: &Beneath) -> Result<Option<Tree>, Error> {
    let handle = folder.open_folder().map_err(|source| Error::Read { path: folder.to_path_buf(), source })?;
    let listed = walk::walk(folder, None, &[])?;
    if listed.iter().any(|entry| entry.kind == ListedKind::Special) {
        return Ok(None);
    }
    let digests = vec![None; listed.len()];
    let entries = read_entries(&handle, listed, digests)?;
    Ok(Some(Tree::new(folder.to_path_buf(), entries, Vec::new(), 0)))
}
