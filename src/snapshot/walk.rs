#![expect(clippy::disallowed_types, reason = "reads the source tree")]
//! The files of a tree that no git knows.

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
use super::list::{Found, FoundKind, join_bytes};
use crate::foreign::{Beneath, Entry};

/// Names that are no part of a source tree wherever they are: repositories, and the state of whatever project.
pub(super) const LEFT_OUT: [&str; 5] = [".git", ".hg", ".jj", ".pikaci", ".svn"];

/// The repository whose ignore rules are those of git.
const JUJUTSU: &str = ".jj";
/// The longest file of ignore rules that is read, in bytes.
const RULES_LIMIT: u64 = 1 << 20;

/// Returns whether a name is one of those that are left out.
pub(super) fn is_left_out(name: &[u8]) -> bool {
    LEFT_OUT.iter().any(|left_out| name == left_out.as_bytes())
}

/// Lists all that is in a tree but for the state folder and some names; a folder is listed when it holds nothing.
pub(super) fn walk(root: &Path, state: Option<&[u8]>, left_out: &[&str]) -> Result<Vec<Found>, Error> {
    list_below(root, b"", Walk { state, left_out, rules: None })
}

/// Lists a source tree that git doesn't know, but for what the rules of Jujutsu ignore where it has the tree.
pub(super) fn walk_source(root: &Path, state: Option<&[u8]>) -> Result<Vec<Found>, Error> {
    let has_rules = Beneath::new(root).join(JUJUTSU).open_folder().is_ok();
    let rules = has_rules.then(|| Rules { inner: Gitignore::empty(), outer: None });
    list_below(root, b"", Walk { state, left_out: &LEFT_OUT, rules: rules.as_ref() })
}

/// Lists a folder of a source tree that git knows as one thing and doesn't look into.
pub(super) fn walk_folder(root: &Path, path: &[u8]) -> Result<Vec<Found>, Error> {
    list_below(root, path, Walk { state: None, left_out: &LEFT_OUT, rules: None })
}

/// The things that a list leaves out.
#[derive(Clone, Copy)]
struct Walk<'a> {
    state: Option<&'a [u8]>,
    left_out: &'a [&'a str],
    rules: Option<&'a Rules<'a>>,
}

/// The ignore rules of a folder and of those around it.
struct Rules<'a> {
    inner: Gitignore,
    outer: Option<&'a Self>,
}

impl<'a> Rules<'a> {
    /// Returns the rules within a folder.
    fn of(folder: &Beneath, path: &[u8], outer: &'a Self) -> Self {
        let text = folder.join(".gitignore").read(RULES_LIMIT).unwrap_or_default();
        let mut builder = GitignoreBuilder::new(OsStr::from_bytes(path));
        for line in String::from_utf8_lossy(&text).lines() {
            // What isn't a rule ignores nothing, as git has it.
            builder.add_line(None, line).ok();
        }
        Self { inner: builder.build().unwrap_or_else(|_| Gitignore::empty()), outer: Some(outer) }
    }

    /// Returns whether a path is ignored: the innermost rule that matches it decides.
    fn ignore(&self, path: &[u8], is_folder: bool) -> bool {
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

fn list_below(root: &Path, path: &[u8], walk: Walk<'_>) -> Result<Vec<Found>, Error> {
    let handle = File::open(root).map_err(|source| Error::Read { path: root.to_owned(), source })?;
    list_folder(&handle, root, path, walk)
}

fn list_folder(handle: &File, root: &Path, path: &[u8], walk: Walk<'_>) -> Result<Vec<Found>, Error> {
    let failed = |err: &io::Error| Error::read(path, Errno::from_io_error(err).unwrap_or(Errno::IO));
    let mut found = Vec::new();
    let folder = Beneath::new(root).join(OsStr::from_bytes(path));
    let rules = walk.rules.map(|outer| Rules::of(&folder, path, outer));
    let walk = Walk { rules: rules.as_ref(), ..walk };
    for Entry { name, is_folder } in folder.entries().map_err(|err| failed(&err))? {
        let child = join_bytes(path, name.as_bytes());
        if walk.left_out.iter().any(|left_out| name == *left_out)
            || walk.state == Some(&child)
            || walk.rules.is_some_and(|rules| rules.ignore(&child, is_folder))
        {
            continue;
        }
        match statat(handle, child.as_slice(), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => found.push(Found::new(child, &stat)),
            Err(Errno::NOENT) => {}
            Err(errno) => return Err(Error::read(&child, errno)),
        }
    }
    let (folders, mut found): (Vec<_>, Vec<_>) = found.into_iter().partition(|found| found.kind == FoundKind::Folder);
    let inside: Result<Vec<_>, Error> = folders
        .into_par_iter()
        .map(|folder| {
            let inside = list_folder(handle, root, &folder.path, walk)?;
            Ok(if inside.is_empty() { vec![folder] } else { inside })
        })
        .collect();
    found.extend(inside?.into_iter().flatten());
    Ok(found)
}
