//! Reads the content of listed entries.
#![expect(clippy::disallowed_types, reason = "reads the source tree")]

use std::ffi::{CString, OsStr};
use std::fs::File;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rayon::prelude::*;
use rustix::fs::{Mode, OFlags, fstat, readlinkat};
use rustix::io::{Errno, read, retry_on_intr};
use sha2::{Digest as _, Sha256};

use super::error::Error;
use super::listed_entry::{ListedEntry, ListedKind};
use super::tree::{Entry, EntryKind};
use crate::foreign::open_beneath;

/// Number of bytes of a file that are read at once.
const CHUNK: usize = 128 * 1024;

/// Reads the listed entries; a file whose digest is given isn't read. Entries that have disappeared are left out.
pub(super) fn read_entries(
    root: &File,
    listed: Vec<ListedEntry>,
    digests: Vec<Option<[u8; 32]>>,
) -> Result<Vec<Entry>, Error> {
    let read = |buffer: &mut Vec<u8>, (listed, digest)| read_entry(root, listed, digest, buffer).transpose();
    // Collecting before filtering takes half the memory, and allocations take most of the time here.
    let entries: Vec<_> = listed.into_par_iter().zip(digests).map_init(|| vec![0; CHUNK], read).collect();
    entries.into_iter().flatten().collect()
}

/// Reads an entry; `None` when it has disappeared.
fn read_entry(
    root: &File,
    listed: ListedEntry,
    digest: Option<[u8; 32]>,
    buffer: &mut [u8],
) -> Result<Option<Entry>, Error> {
    let path = listed.path;
    let kind = match (listed.kind, digest) {
        (ListedKind::File { executable }, Some(content)) => {
            Ok(Some(EntryKind::File { executable, content, stat: listed.stat }))
        }
        (ListedKind::File { .. }, None) => read_file(root, &path, buffer),
        (ListedKind::Symlink, _) => {
            read_link(root, &path).map(|target| Some(EntryKind::Symlink { target: target.into_bytes() }))
        }
        (ListedKind::Folder | ListedKind::Special, _) => Ok(Some(EntryKind::EmptyFolder)),
    };
    match kind {
        Ok(Some(kind)) => Ok(Some(Entry { path, kind })),
        Ok(None) => Err(Error::changing(&path)),
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(Error::read(&path, errno)),
    }
}

/// Reads the target of a link of the tree.
fn read_link(root: &File, path: &[u8]) -> Result<CString, Errno> {
    let Some(end) = path.iter().rposition(|byte| *byte == b'/') else { return readlinkat(root, path, Vec::new()) };
    let folder = Path::new(OsStr::from_bytes(&path[..end]));
    let folder = open_beneath(root.as_fd(), folder, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty())?;
    readlinkat(&folder, &path[end + 1..], Vec::new())
}

/// Opens a file of the tree. A folder on the way that has become a link isn't followed.
pub(super) fn open_file(root: &File, path: &[u8]) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    open_beneath(root.as_fd(), Path::new(OsStr::from_bytes(path)), flags, Mode::empty())
}

/// Reads a file; `None` when it changes while it is read.
fn read_file(root: &File, path: &[u8], buffer: &mut [u8]) -> Result<Option<EntryKind>, Errno> {
    let file = open_file(root, path)?;
    let before = ListedEntry::new(Vec::new(), &fstat(&file)?);
    let mut hasher = Sha256::new();
    loop {
        match retry_on_intr(|| read(&file, &mut *buffer))? {
            0 => break,
            count => hasher.update(&buffer[..count]),
        }
    }
    let after = ListedEntry::new(Vec::new(), &fstat(&file)?);
    match before.kind {
        ListedKind::File { executable } if before.stat == after.stat && before.kind == after.kind => {
            Ok(Some(EntryKind::File { executable, content: hasher.finalize().into(), stat: before.stat }))
        }
        _ => Ok(None),
    }
}
