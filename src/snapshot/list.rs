//! Lists the entries that belong to a snapshot.
#![expect(clippy::disallowed_types, reason = "reads the source tree")]

use std::collections::{BTreeSet, HashSet};
use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rayon::prelude::*;
use rustix::fs::{AtFlags, FileType, statat};
use rustix::io::Errno;

use super::error::Error;
use super::file_selection::FileSelection;
use super::folders::list_folders;
use super::git_paths::split_listing;
use super::included_files::list_included;
use super::index::Index;
use super::listed_entry::{ListedEntry, ListedKind};
use super::repository::{is_in_repository, is_repository_top};
use super::tree_path::{is_within, join, join_bytes, parents, state_folder_path};
use super::{git, walk};
use crate::foreign::Beneath;

/// A listing of a source tree.
pub(super) struct Listing {
    /// Entries sorted by path; the folders among them are empty.
    pub(super) entries: Vec<ListedEntry>,
    /// Paths of the entries that git ignores, sorted.
    pub(super) included: Vec<Vec<u8>>,
    /// True if the paths come from the index.
    pub(super) from_index: bool,
}

/// Lists a source tree: from the index if it is still valid, with git or by reading all folders if not. The index has no
/// listing of a selection.
pub(super) fn list(
    root: &Path,
    state_root: &Path,
    index: Option<&Index>,
    selection: Option<&FileSelection>,
) -> Result<Listing, Error> {
    if let Some(selection) = selection {
        return list_selected(root, state_root, selection);
    }
    if let Some(index) = index
        && let Some(paths) = index.listing()
    {
        let handle = File::open(root).map_err(|source| Error::Read { path: root.to_owned(), source })?;
        let entries = stat_entries(&handle, b"", &paths, |_| false)?;
        // The listing holds folders only if they are empty, so that a file that became a folder makes it invalid.
        if entries.iter().all(|entry| entry.kind != ListedKind::Folder || index.has_other(&entry.path)) {
            return Ok(Listing { entries, included: Vec::new(), from_index: true });
        }
    }
    Ok(Listing { entries: list_afresh(root, state_root)?, included: Vec::new(), from_index: false })
}

fn list_selected(root: &Path, state_root: &Path, selection: &FileSelection) -> Result<Listing, Error> {
    let mut entries = list_afresh(root, state_root)?;
    entries.retain(|entry| !selection.excludes(&entry.path));
    let handle = File::open(root).map_err(|source| Error::Read { path: root.to_owned(), source })?;
    let mut added = list_included(&handle, root, state_folder_path(root, state_root).as_deref(), selection)?;
    added.retain(|entry| entries.binary_search_by(|other| other.path.cmp(&entry.path)).is_err());
    let included = added.iter().map(|entry| entry.path.clone()).collect();
    entries.extend(added);
    entries.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    Ok(Listing { entries, included, from_index: false })
}

fn list_afresh(root: &Path, state_root: &Path) -> Result<Vec<ListedEntry>, Error> {
    let state = state_folder_path(root, state_root);
    let mut listed = Vec::new();
    if is_in_repository(root) {
        list_repository(root, b"", &mut listed)?;
    }
    // Git lists nothing in a folder that its repository ignores.
    if listed.is_empty() && !is_repository_top(root) {
        listed = walk::walk_source(root, state.as_deref())?;
    }
    if let Some(state) = state {
        listed.retain(|entry| !is_within(&entry.path, &state));
    }
    listed.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    listed.dedup_by(|a, b| a.path == b.path);
    Ok(listed)
}

/// Lists the files in a folder of the source tree that git lists as a whole.
pub(super) fn list_folder(root: &Path, folder: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
    let mut listed = Vec::new();
    list_nested(root, folder, &mut listed)?;
    Ok(listed.into_iter().map(|entry| entry.path).collect())
}

/// Adds the entries of the repository at a path of the tree, and of the repositories in it.
fn list_repository(root: &Path, prefix: &[u8], all: &mut Vec<ListedEntry>) -> Result<(), Error> {
    let folder = join(root, prefix);
    let handle = Beneath::new(root).join(OsStr::from_bytes(prefix)).open_folder();
    let handle = handle.map_err(|source| Error::Read { path: folder.clone(), source })?;
    // Reading the tracked files' metadata takes about as long as git's search for untracked files.
    let (cached, others) = rayon::join(
        || {
            let output = git::run(&folder, &["ls-files", "-z", "--cached"])?;
            let paths = split_listing(&output)?;
            let missing = missing_folders(&handle, &paths);
            let is_missing = |path: &[u8]| !missing.is_empty() && parents(path).any(|p| missing.contains(p));
            let entries = stat_entries(&handle, prefix, &paths, is_missing)?;
            Ok::<_, Error>((output, entries))
        },
        || git::run(&folder, &["ls-files", "-z", "--others", "--exclude-standard"]),
    );
    let ((cached, tracked), others) = (cached?, others?);
    let mut others = split_listing(&others)?;
    others.retain(|path| !path.split(|byte| *byte == b'/').any(walk::is_excluded));
    let untracked = stat_entries(&handle, prefix, &others, |_| false)?;
    let mut nested = BTreeSet::new();
    for entry in tracked.into_iter().chain(untracked) {
        match entry.kind {
            ListedKind::Folder => drop(nested.insert(entry.path)),
            _ => all.push(entry),
        }
    }
    let listed = [split_listing(&cached)?, others].concat();
    for path in list_folders(&folder, &listed)?.empty {
        let path = join_bytes(prefix, &path);
        if !nested.contains(&path) {
            all.push(ListedEntry::empty_folder(path));
        }
    }
    nested.iter().try_for_each(|path| list_nested(root, path, all))
}

/// Adds the entries of a folder that git lists as a whole: a nested repository, a submodule without its repository, or an
/// empty folder.
fn list_nested(root: &Path, path: &[u8], all: &mut Vec<ListedEntry>) -> Result<(), Error> {
    if is_repository_top(&join(root, path)) {
        return list_repository(root, path, all);
    }
    let inside = walk::walk_folder(root, path)?;
    if inside.is_empty() {
        all.push(ListedEntry::empty_folder(path.to_vec()));
    }
    all.extend(inside);
    Ok(())
}

/// Reads the metadata of entries without following links. Missing entries are left out.
fn stat_entries(
    handle: &File,
    prefix: &[u8],
    paths: &[&[u8]],
    is_left_out: impl Fn(&[u8]) -> bool + Sync,
) -> Result<Vec<ListedEntry>, Error> {
    let stat_entry = |path: &&[u8]| -> Option<Result<ListedEntry, Error>> {
        let full = join_bytes(prefix, path);
        match statat(handle, *path, AtFlags::SYMLINK_NOFOLLOW) {
            _ if is_left_out(path) => None,
            Ok(stat) => Some(Ok(ListedEntry::new(full, &stat))),
            Err(Errno::NOENT | Errno::NOTDIR) => None,
            Err(errno) => Some(Err(Error::read(&full, errno))),
        }
    };
    let entries: Vec<_> = paths.par_iter().map(stat_entry).collect();
    entries.into_iter().flatten().collect()
}

/// Returns the folders of tracked files that are no folders any more. Behind a symbolic link there would be other files.
fn missing_folders<'a>(handle: &File, paths: &[&'a [u8]]) -> HashSet<&'a [u8]> {
    let (mut checked, mut missing) = (HashSet::new(), HashSet::new());
    let mut last: &[u8] = b"";
    for path in paths {
        let parent = parents(path).last().unwrap_or_default();
        if parent == last {
            continue;
        }
        last = parent;
        for folder in parents(path).filter(|folder| checked.insert(*folder)) {
            let kind =
                statat(handle, folder, AtFlags::SYMLINK_NOFOLLOW).map(|stat| FileType::from_raw_mode(stat.st_mode));
            if kind != Ok(FileType::Directory) {
                missing.insert(folder);
            }
        }
    }
    missing
}
