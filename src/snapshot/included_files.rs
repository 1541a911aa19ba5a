//! Lists files that come along although git ignores them.
#![expect(clippy::disallowed_types, reason = "inspects the source tree")]

use std::fs::File;
use std::path::Path;

use rustix::fs::{AtFlags, statat};
use rustix::io::Errno;

use super::error::Error;
use super::file_selection::FileSelection;
use super::listed_entry::{ListedEntry, ListedKind};
use super::tree_path::{is_within, parents};
use super::walk;

/// Lists the files that a selection includes, with the empty folders among them, sorted by path. `handle` is the opened
/// `root`.
pub(super) fn list_included(
    handle: &File,
    root: &Path,
    state: Option<&[u8]>,
    selection: &FileSelection,
) -> Result<Vec<ListedEntry>, Error> {
    let mut included = Vec::new();
    for start in selection.starts().filter(|start| !state.is_some_and(|state| is_within(start, state))) {
        included.extend(list_start(handle, root, start, state, selection)?);
    }
    included.retain(|entry| selection.includes(&entry.path) && !selection.excludes(&entry.path));
    included.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    Ok(included)
}

/// Lists everything below a path. Nothing is behind a link, or in a repository folder.
fn list_start(
    handle: &File,
    root: &Path,
    start: &[u8],
    state: Option<&[u8]>,
    selection: &FileSelection,
) -> Result<Vec<ListedEntry>, Error> {
    if start.split(|byte| *byte == b'/').any(walk::is_excluded) {
        return Ok(Vec::new());
    }
    let mut entry = None;
    for path in parents(start).chain((!start.is_empty()).then_some(start)) {
        let current = match statat(handle, path, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(metadata) => ListedEntry::new(path.to_vec(), &metadata),
            Err(Errno::NOENT) => return Ok(Vec::new()),
            Err(errno) => return Err(Error::read(path, errno)),
        };
        if current.kind != ListedKind::Folder && path != start {
            return Ok(Vec::new());
        }
        entry = Some(current);
    }
    match entry {
        Some(file) if file.kind != ListedKind::Folder => Ok(vec![file]),
        Some(folder) => {
            let inside = walk::walk_selected(root, start, state, selection)?;
            Ok(if inside.is_empty() { vec![folder] } else { inside })
        }
        None => walk::walk_selected(root, start, state, selection),
    }
}
