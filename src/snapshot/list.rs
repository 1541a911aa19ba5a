#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "reads the source tree")]
//! Which files belong to a snapshot.

use std::collections::{BTreeSet, HashSet};
use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use rustix::fs::{AtFlags, FileType, Stat, statat};
use rustix::io::Errno;

use super::error::Error;
use super::folders::folders;
use super::index::Index;
use super::tree::FileStat;
use super::{git, walk};
use crate::foreign::Beneath;

/// Something that belongs to a snapshot, before it is read.
pub(super) struct Found {
    pub(super) path: Vec<u8>,
    pub(super) kind: FoundKind,
    pub(super) stat: FileStat,
}

/// What kind of thing was found.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum FoundKind {
    File { executable: bool },
    Symlink,
    Folder,
    Special,
}

impl Found {
    pub(super) fn new(path: Vec<u8>, stat: &Stat) -> Self {
        let kind = match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => FoundKind::File { executable: stat.st_mode & 0o100 != 0 },
            FileType::Symlink => FoundKind::Symlink,
            FileType::Directory => FoundKind::Folder,
            _ => FoundKind::Special,
        };
        Self { path, kind, stat: FileStat::from(stat) }
    }
}

impl From<&Stat> for FileStat {
    fn from(stat: &Stat) -> Self {
        // Linux and macOS have different types for the fraction.
        fn nanos(secs: i64, nanos: impl TryInto<i64>) -> i64 {
            secs.saturating_mul(1_000_000_000).saturating_add(nanos.try_into().unwrap_or_default())
        }
        Self {
            inode: stat.st_ino,
            len: stat.st_size.try_into().unwrap_or_default(),
            mtime_ns: nanos(stat.st_mtime, stat.st_mtime_nsec),
            ctime_ns: nanos(stat.st_ctime, stat.st_ctime_nsec),
        }
    }
}

/// Lists a source tree, sorted by path; a folder in it is one that holds nothing. Also returns whether the listing is
/// the one that the index remembers.
pub(super) fn list(root: &Path, state_root: &Path, known: Option<&Index>) -> Result<(Vec<Found>, bool), Error> {
    if let Some(paths) = known.and_then(Index::listing) {
        let handle = File::open(root).map_err(|source| Error::Read { path: root.to_owned(), source })?;
        let found = look_at(&handle, b"", &paths, |_| false)?;
        // A folder that was empty then is so now.
        if found
            .iter()
            .all(|found| found.kind != FoundKind::Folder || known.is_some_and(|known| known.is_other(&found.path)))
        {
            return Ok((found, true));
        }
    }
    Ok((list_afresh(root, state_root)?, false))
}

fn list_afresh(root: &Path, state_root: &Path) -> Result<Vec<Found>, Error> {
    let state = state_inside(root, state_root);
    let mut found = Vec::new();
    if git::is_repository(root) {
        list_repository(root, b"", &mut found)?;
    }
    // In a folder that the repository around it ignores, git lists nothing.
    if found.is_empty() && !git::is_top(root) {
        found = walk::walk_source(root, state.as_deref())?;
    }
    if let Some(state) = state {
        found.retain(|found| !is_within(&found.path, &state));
    }
    found.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    found.dedup_by(|a, b| a.path == b.path);
    Ok(found)
}

/// Lists the files in a folder of the source tree that git lists as one thing.
pub(super) fn list_folder(root: &Path, folder: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
    let mut found = Vec::new();
    list_nested(root, folder, &mut found)?;
    Ok(found.into_iter().map(|found| found.path).collect())
}

/// Returns the state folder relative to the tree, when it is in it.
pub(super) fn state_inside(root: &Path, state_root: &Path) -> Option<Vec<u8>> {
    let (root, state) = (root.canonicalize().ok()?, state_root.canonicalize().ok()?);
    Some(state.strip_prefix(root).ok()?.as_os_str().as_bytes().to_vec())
}

fn is_within(path: &[u8], folder: &[u8]) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
}

/// Returns a name in a folder of the tree, or in the tree itself.
pub(super) fn join_bytes(folder: &[u8], name: &[u8]) -> Vec<u8> {
    if folder.is_empty() { name.to_vec() } else { [folder, name].join(b"/".as_slice()) }
}

/// Returns where a path of the tree is.
pub(super) fn join(root: &Path, path: &[u8]) -> PathBuf {
    if path.is_empty() { root.to_owned() } else { root.join(OsStr::from_bytes(path)) }
}

/// Adds what a repository at a path of the tree holds, and the repositories in it.
fn list_repository(root: &Path, prefix: &[u8], all: &mut Vec<Found>) -> Result<(), Error> {
    let folder = join(root, prefix);
    let handle = Beneath::new(root).join(OsStr::from_bytes(prefix)).open_folder();
    let handle = handle.map_err(|source| Error::Read { path: folder.clone(), source })?;
    // Looking at the tracked files and looking for untracked ones take about the same time: side by side.
    let (cached, others) = rayon::join(
        || {
            let output = git::run(&folder, &["ls-files", "-z", "--cached"])?;
            let paths = split(&output)?;
            let missing = missing_folders(&handle, &paths);
            let is_missing = |path: &[u8]| !missing.is_empty() && parents(path).any(|p| missing.contains(p));
            let found = look_at(&handle, prefix, &paths, is_missing)?;
            Ok::<_, Error>((output, found))
        },
        || git::run(&folder, &["ls-files", "-z", "--others", "--exclude-standard"]),
    );
    let ((cached, tracked), others) = (cached?, others?);
    let mut others = split(&others)?;
    others.retain(|path| !path.split(|byte| *byte == b'/').any(walk::is_left_out));
    let untracked = look_at(&handle, prefix, &others, |_| false)?;
    let mut nested = BTreeSet::new();
    for found in tracked.into_iter().chain(untracked) {
        match found.kind {
            FoundKind::Folder => drop(nested.insert(found.path)),
            _ => all.push(found),
        }
    }
    let listed = [split(&cached)?, others].concat();
    for path in folders(&folder, &listed)?.empty {
        let path = join_bytes(prefix, &path);
        if !nested.contains(&path) {
            all.push(Found { path, kind: FoundKind::Folder, stat: FileStat::default() });
        }
    }
    nested.iter().try_for_each(|path| list_nested(root, path, all))
}

/// Adds what is in a folder that git lists as one thing: another repository, a submodule that has lost its own, or an
/// empty folder.
fn list_nested(root: &Path, path: &[u8], all: &mut Vec<Found>) -> Result<(), Error> {
    if git::is_top(&join(root, path)) {
        return list_repository(root, path, all);
    }
    let inside = walk::walk_folder(root, path)?;
    if inside.is_empty() {
        all.push(Found { path: path.to_vec(), kind: FoundKind::Folder, stat: FileStat::default() });
    }
    all.extend(inside);
    Ok(())
}

/// Returns the paths that git lists, each up to a zero.
///
/// # Errors
/// When one leads out of the tree or into a repository's own folder.
pub fn split(output: &[u8]) -> Result<Vec<&[u8]>, Error> {
    let trimmed = output.split(|byte| *byte == 0).map(|path| path.strip_suffix(b"/").unwrap_or(path));
    let paths: Vec<&[u8]> = trimmed.filter(|path| !path.is_empty()).collect();
    paths.iter().try_for_each(|path| check_path(path))?;
    Ok(paths)
}

/// Refuses a path of git's that leads out of the tree or into a repository's own folder: an index may hold anything.
pub(super) fn check_path(path: &[u8]) -> Result<(), Error> {
    let is_plain = |name: &[u8]| !matches!(name, b"" | b"." | b"..") && !name.eq_ignore_ascii_case(b".git");
    if path.split(|byte| *byte == b'/').all(is_plain) {
        Ok(())
    } else {
        Err(Error::Path { path: PathBuf::from(OsStr::from_bytes(path)) })
    }
}

/// Looks at files without following links; what isn't there is left out.
fn look_at(
    handle: &File,
    prefix: &[u8],
    paths: &[&[u8]],
    leave_out: impl Fn(&[u8]) -> bool + Sync,
) -> Result<Vec<Found>, Error> {
    let look = |path: &&[u8]| -> Option<Result<Found, Error>> {
        let full = join_bytes(prefix, path);
        match statat(handle, *path, AtFlags::SYMLINK_NOFOLLOW) {
            _ if leave_out(path) => None,
            Ok(stat) => Some(Ok(Found::new(full, &stat))),
            Err(Errno::NOENT | Errno::NOTDIR) => None,
            Err(errno) => Some(Err(Error::read(&full, errno))),
        }
    };
    let found: Vec<_> = paths.par_iter().map(look).collect();
    found.into_iter().flatten().collect()
}

/// Returns the folders that a path is in, but for the tree itself.
pub(super) fn parents(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| &path[..at])
}

/// Returns the folders of tracked files that are no folders now: behind a symbolic link there are other files.
fn missing_folders<'a>(handle: &File, paths: &[&'a [u8]]) -> HashSet<&'a [u8]> {
    let (mut seen, mut missing) = (HashSet::new(), HashSet::new());
    let mut last: &[u8] = b"";
    for path in paths {
        let parent = parents(path).last().unwrap_or_default();
        if parent == last {
            continue;
        }
        last = parent;
        for folder in parents(path).filter(|folder| seen.insert(*folder)) {
            let kind =
                statat(handle, folder, AtFlags::SYMLINK_NOFOLLOW).map(|stat| FileType::from_raw_mode(stat.st_mode));
            if kind != Ok(FileType::Directory) {
                missing.insert(folder);
            }
        }
    }
    missing
}
