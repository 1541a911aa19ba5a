#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "reads the source tree")]
//! Reading a source tree.

use std::ffi::{CString, OsStr};
use std::fs::File;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use rayon::prelude::*;
use rustix::fs::{Mode, OFlags, fstat, readlinkat};
use rustix::io::{Errno, read, retry_on_intr};
use sha2::{Digest as _, Sha256};

use super::error::Error;
use super::index::Index;
use super::list::{Found, FoundKind, list};
use super::tree::{Entry, EntryKind, Tree};
use super::{still, walk};
use crate::foreign::{Beneath, open_beneath};
use crate::id::Digest;

/// How much of a file is read at once.
const CHUNK: usize = 128 * 1024;

/// Reads a source tree: all of it, but for the files that an index knows as they are.
///
/// # Errors
/// When something can't be read, git fails, or the tree doesn't stand still.
pub fn scan(source_root: &Path, state_root: &Path, known: Option<&Index>) -> Result<Tree, Error> {
    still(|| scan_once(source_root, state_root, known))
}

/// Reads a source tree, once.
pub(super) fn scan_once(root: &Path, state_root: &Path, known: Option<&Index>) -> Result<Tree, Error> {
    let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let handle = File::open(root).map_err(|source| Error::Read { path: root.to_owned(), source })?;
    let (mut found, recalled) = list(root, state_root, known)?;
    let skipped = found
        .extract_if(.., |found| found.kind == FoundKind::Special)
        .map(|found| PathBuf::from(OsStr::from_bytes(&found.path)))
        .collect();
    let known = match known {
        Some(index) => index.contents(&found),
        None => vec![None; found.len()],
    };
    let entries = read_entries(&handle, found, known)?;
    let started_ns = i64::try_from(started.as_nanos()).unwrap_or(i64::MAX);
    let mut tree = Tree::new(root.to_owned(), entries, skipped, started_ns);
    tree.recalled = recalled;
    Ok(tree)
}

/// Returns whether a folder holds the tree with a digest and nothing else; all of it is read.
///
/// # Errors
/// When something in it can't be read.
pub fn is_intact(folder: &Beneath, digest: &Digest) -> Result<bool, Error> {
    let handle = folder.open_folder().map_err(|source| Error::Read { path: folder.to_path_buf(), source })?;
    let listed = walk::walk(folder, None, &[])?;
    if listed.iter().any(|listed| listed.kind == FoundKind::Special) {
        return Ok(false);
    }
    let digests = vec![None; listed.len()];
    let entries = read_entries(&handle, listed, digests)?;
    Ok(Tree::new(folder.to_path_buf(), entries, Vec::new(), 0).digest() == digest)
}

pub(super) fn read_entries(root: &File, found: Vec<Found>, known: Vec<Option<[u8; 32]>>) -> Result<Vec<Entry>, Error> {
    let read = |buffer: &mut Vec<u8>, (found, known)| read_entry(root, found, known, buffer).transpose();
    // Collected before anything is left out: that takes half the memory, and memory is most of the time here.
    let entries: Vec<_> = found.into_par_iter().zip(known).map_init(|| vec![0; CHUNK], read).collect();
    entries.into_iter().flatten().collect()
}

/// Reads one thing; `None` when it is gone.
fn read_entry(root: &File, found: Found, known: Option<[u8; 32]>, buffer: &mut [u8]) -> Result<Option<Entry>, Error> {
    let path = found.path;
    let kind = match (found.kind, known) {
        (FoundKind::File { executable }, Some(content)) => {
            Ok(Some(EntryKind::File { executable, content, stat: found.stat }))
        }
        (FoundKind::File { .. }, None) => read_file(root, &path, buffer),
        (FoundKind::Symlink, _) => {
            read_link(root, &path).map(|target| Some(EntryKind::Symlink { target: target.into_bytes() }))
        }
        (FoundKind::Folder | FoundKind::Special, _) => Ok(Some(EntryKind::EmptyFolder)),
    };
    match kind {
        Ok(Some(kind)) => Ok(Some(Entry { path, kind })),
        Ok(None) => Err(Error::changing(&path)),
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(Error::read(&path, errno)),
    }
}

/// Reads a link in a folder of the tree.
fn read_link(root: &File, path: &[u8]) -> Result<CString, Errno> {
    let Some(end) = path.iter().rposition(|byte| *byte == b'/') else { return readlinkat(root, path, Vec::new()) };
    let folder = Path::new(OsStr::from_bytes(&path[..end]));
    let folder = open_beneath(root.as_fd(), folder, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty())?;
    readlinkat(&folder, &path[end + 1..], Vec::new())
}

/// Opens a file of the tree; a folder on the way that became a link meanwhile isn't followed.
pub(super) fn open_file(root: &File, path: &[u8]) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    open_beneath(root.as_fd(), Path::new(OsStr::from_bytes(path)), flags, Mode::empty())
}

/// Reads a file; `None` when it doesn't stay the same from the first byte to the last.
fn read_file(root: &File, path: &[u8], buffer: &mut [u8]) -> Result<Option<EntryKind>, Errno> {
    let file = open_file(root, path)?;
    let before = Found::new(Vec::new(), &fstat(&file)?);
    let mut hasher = Sha256::new();
    loop {
        match retry_on_intr(|| read(&file, &mut *buffer))? {
            0 => break,
            count => hasher.update(&buffer[..count]),
        }
    }
    let after = Found::new(Vec::new(), &fstat(&file)?);
    match before.kind {
        FoundKind::File { executable } if before.stat == after.stat && before.kind == after.kind => {
            Ok(Some(EntryKind::File { executable, content: hasher.finalize().into(), stat: before.stat }))
        }
        _ => Ok(None),
    }
}
