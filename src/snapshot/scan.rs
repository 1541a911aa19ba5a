#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "reads the source tree")]
//! Reading a source tree.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use rayon::prelude::*;
use rustix::fs::{Mode, OFlags, fstat, openat, readlinkat};
use rustix::io::{Errno, read, retry_on_intr};
use sha2::{Digest as _, Sha256};

use super::error::Error;
use super::index::Index;
use super::list::{Found, FoundKind, list};
use super::still;
use super::tree::{Entry, EntryKind, Tree};

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
    let read = |buffer: &mut Vec<u8>, (found, known)| read_entry(&handle, found, known, buffer).transpose();
    // Collected before anything is left out: that takes half the memory, and memory is most of the time here.
    let entries: Vec<_> = found.into_par_iter().zip(known).map_init(|| vec![0; CHUNK], read).collect();
    let entries = entries.into_iter().flatten().collect::<Result<_, _>>()?;
    let started_ns = i64::try_from(started.as_nanos()).unwrap_or(i64::MAX);
    let mut tree = Tree::new(root.to_owned(), entries, skipped, started_ns);
    tree.recalled = recalled;
    Ok(tree)
}

/// Reads one thing; `None` when it is gone.
fn read_entry(root: &File, found: Found, known: Option<[u8; 32]>, buffer: &mut [u8]) -> Result<Option<Entry>, Error> {
    let path = found.path;
    let kind = match (found.kind, known) {
        (FoundKind::File { executable }, Some(content)) => {
            Ok(Some(EntryKind::File { executable, content, stat: found.stat }))
        }
        (FoundKind::File { .. }, None) => read_file(root, &path, buffer),
        (FoundKind::Symlink, _) => readlinkat(root, path.as_slice(), Vec::new())
            .map(|target| Some(EntryKind::Symlink { target: target.into_bytes() })),
        (FoundKind::Folder | FoundKind::Special, _) => Ok(Some(EntryKind::EmptyFolder)),
    };
    match kind {
        Ok(Some(kind)) => Ok(Some(Entry { path, kind })),
        Ok(None) => Err(Error::changing(&path)),
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(Error::read(&path, errno)),
    }
}

/// Reads a file; `None` when it doesn't stay the same from the first byte to the last.
fn read_file(root: &File, path: &[u8], buffer: &mut [u8]) -> Result<Option<EntryKind>, Errno> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = openat(root, path, flags, Mode::empty())?;
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
