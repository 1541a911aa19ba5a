#![expect(clippy::disallowed_types, reason = "reads the source tree")]
//! The files of a tree that no git knows.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rayon::prelude::*;
use rustix::fs::{AtFlags, statat};
use rustix::io::Errno;

use super::error::Error;
use super::list::{Found, FoundKind, join_bytes};
use crate::foreign::{Beneath, Entry};

/// Names that are no part of a source tree wherever they are: repositories, and the state of whatever project.
pub(super) const LEFT_OUT: [&str; 2] = [".git", ".pikaci"];

/// Lists all that is in a tree but for the state folder and some names; a folder is listed when it holds nothing.
pub(super) fn walk(root: &Path, state: Option<&[u8]>, left_out: &[&str]) -> Result<Vec<Found>, Error> {
    let handle = File::open(root).map_err(|source| Error::Read { path: root.to_owned(), source })?;
    walk_folder(&handle, root, b"", state, left_out)
}

fn walk_folder(
    handle: &File,
    root: &Path,
    path: &[u8],
    state: Option<&[u8]>,
    left_out: &[&str],
) -> Result<Vec<Found>, Error> {
    let failed = |err: &io::Error| Error::read(path, Errno::from_io_error(err).unwrap_or(Errno::IO));
    let mut found = Vec::new();
    let folder = Beneath::new(root).join(OsStr::from_bytes(path));
    for Entry { name, .. } in folder.entries().map_err(|err| failed(&err))? {
        let child = join_bytes(path, name.as_bytes());
        if left_out.iter().any(|left_out| name == *left_out) || state == Some(&child) {
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
            let inside = walk_folder(handle, root, &folder.path, state, left_out)?;
            Ok(if inside.is_empty() { vec![folder] } else { inside })
        })
        .collect();
    found.extend(inside?.into_iter().flatten());
    Ok(found)
}
