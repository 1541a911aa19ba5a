//! Lists files without git.
#![expect(clippy::disallowed_types, reason = "reads the source tree")]

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use rayon::prelude::*;
use rustix::fs::{AtFlags, statat};
use rustix::io::Errno;

use super::error::Error;
use super::file_selection::FileSelection;
use super::listed_entry::{ListedEntry, ListedKind};
use super::tree_path::join_bytes;
use crate::foreign::{Beneath, FolderEntry};
use crate::state::STATE_FOLDER;

/// Names that belong to no source tree: repositories of version control systems, and state folders of any project.
pub(super) const EXCLUDED_NAMES: [&str; 5] = [".git", ".hg", JUJUTSU, STATE_FOLDER, ".svn"];

/// The repository folder of Jujutsu, whose ignore rules are git's.
const JUJUTSU: &str = ".jj";
/// The longest file of ignore rules that is read, in bytes.
const RULES_LIMIT: u64 = 1 << 20;

/// Returns whether a name is one of the [`EXCLUDED_NAMES`].
pub(super) fn is_excluded(name: &[u8]) -> bool {
    EXCLUDED_NAMES.iter().any(|excluded| name == excluded.as_bytes())
}

/// Lists the files and the empty folders of a tree, without its state folder and the excluded names.
pub(super) fn walk(root: &Path, state: Option<&[u8]>, excluded: &[&str]) -> Result<Vec<ListedEntry>, Error> {
    list_below(root, b"", Filter { state, excluded, rules: None, selection: None })
}

/// Lists a source tree outside git. In a repository of Jujutsu, ignored files are left out.
pub(super) fn walk_source(root: &Path, state: Option<&[u8]>) -> Result<Vec<ListedEntry>, Error> {
    let has_rules = Beneath::new(root).join(JUJUTSU).open_folder().is_ok();
    let rules = has_rules.then(|| IgnoreRules { inner: Gitignore::empty(), outer: None });
    list_below(root, b"", Filter { state, excluded: &EXCLUDED_NAMES, rules: rules.as_ref(), selection: None })
}

/// Lists a folder of a source tree that git lists as a whole.
pub(super) fn walk_folder(root: &Path, path: &[u8]) -> Result<Vec<ListedEntry>, Error> {
    list_below(root, path, Filter { state: None, excluded: &EXCLUDED_NAMES, rules: None, selection: None })
}

/// Lists a folder of a source tree whatever git ignores, without the folders that a selection excludes.
pub(super) fn walk_selected(
    root: &Path,
    path: &[u8],
    state: Option<&[u8]>,
    selection: &FileSelection,
) -> Result<Vec<ListedEntry>, Error> {
    let selection = Some(selection);
    list_below(root, path, Filter { state, excluded: &EXCLUDED_NAMES, rules: None, selection })
}

/// The entries that a listing leaves out.
#[derive(Clone, Copy)]
struct Filter<'a> {
    state: Option<&'a [u8]>,
    excluded: &'a [&'a str],
    rules: Option<&'a IgnoreRules<'a>>,
    selection: Option<&'a FileSelection>,
}

/// The ignore rules of a folder and of the folders above it.
struct IgnoreRules<'a> {
    inner: Gitignore,
    outer: Option<&'a Self>,
}

impl<'a> IgnoreRules<'a> {
    /// Reads the rules of a folder.
    fn read(folder: &Beneath, path: &[u8], outer: &'a Self) -> Self {
        let text = folder.join(".gitignore").read(RULES_LIMIT).unwrap_or_default();
        let mut builder = GitignoreBuilder::new(OsStr::from_bytes(path));
        for line in String::from_utf8_lossy(&text).lines() {
            // Like git, skip invalid rules.
            builder.add_line(None, line).ok();
        }
        Self { inner: builder.build().unwrap_or_else(|_| Gitignore::empty()), outer: Some(outer) }
    }

    /// Returns whether a path is ignored: the innermost rule that matches the path decides.
    fn is_ignored(&self, path: &[u8], is_folder: bool) -> bool {
        let path = Path::new(OsStr::from_bytes(path));
        let mut rules = Some(self);
        while let Some(Self { inner, outer }) = rules {
            match inner.matched(path, is_folder) {
                Match::Ignore(_) => return true,
                Match::Whitelist(_) => return false,
                Match::None => rules = *outer,
            }
        }
        false
    }
}

fn list_below(root: &Path, path: &[u8], filter: Filter<'_>) -> Result<Vec<ListedEntry>, Error> {
    let handle = File::open(root).map_err(|source| Error::Read { path: root.to_owned(), source })?;
    list_folder(&handle, root, path, filter)
}

fn list_folder(handle: &File, root: &Path, path: &[u8], filter: Filter<'_>) -> Result<Vec<ListedEntry>, Error> {
    let read_error = |err: &io::Error| Error::read(path, Errno::from_io_error(err).unwrap_or(Errno::IO));
    let mut listed = Vec::new();
    let folder = Beneath::new(root).join(OsStr::from_bytes(path));
    let rules = filter.rules.map(|outer| IgnoreRules::read(&folder, path, outer));
    let filter = Filter { rules: rules.as_ref(), ..filter };
    for FolderEntry { name, is_folder } in folder.entries().map_err(|err| read_error(&err))? {
        let child = join_bytes(path, name.as_bytes());
        if filter.excluded.iter().any(|excluded| name == *excluded)
            || filter.state == Some(&child)
            || filter.rules.is_some_and(|rules| rules.is_ignored(&child, is_folder))
            || filter.selection.is_some_and(|selection| is_folder && selection.excludes_folder(&child))
        {
            continue;
        }
        match statat(handle, child.as_slice(), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => listed.push(ListedEntry::new(child, &stat)),
            Err(Errno::NOENT) => {}
            Err(errno) => return Err(Error::read(&child, errno)),
        }
    }
    let (folders, mut listed): (Vec<_>, Vec<_>) =
        listed.into_iter().partition(|entry| entry.kind == ListedKind::Folder);
    let inside: Result<Vec<_>, Error> = folders
        .into_par_iter()
        .map(|folder| {
            let inside = list_folder(handle, root, &folder.path, filter)?;
            Ok(if inside.is_empty() { vec![folder] } else { inside })
        })
        .collect();
    listed.extend(inside?.into_iter().flatten());
    Ok(listed)
}
