//! Reads the status of a working tree from git.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, FileType, statat};

use super::error::Error;
use super::git;
use super::git_paths::check_path;
use super::repository::is_repository_top;
use super::tree_path::join;
use crate::foreign::Beneath;

/// The mode of a submodule in the index of git.
const SUBMODULE_MODE: &[u8] = b"160000";

/// Returns the output of `git status --porcelain=v2 -z`, followed by records of the submodules with changes of their own.
/// Git itself may not enter the submodules: it would obey their settings, which may name programs to run.
pub(super) fn status(source_root: &Path, untracked: &str) -> Result<Vec<u8>, Error> {
    let args = ["status", "--porcelain=v2", "--branch", "-z", "--no-renames", "--ignore-submodules=dirty", untracked];
    let args = [args.as_slice(), &["--", "."]].concat();
    let (output, indexed) = rayon::join(
        || git::run_with(source_root, &args, &git::local_filters(source_root)?),
        || read_index(source_root),
    );
    let mut output = output?;
    let IndexedPaths { submodules, hidden } = indexed?;
    let mut changed = hidden_changes(source_root, hidden)?;
    for path in submodules {
        let folder = join(source_root, &path);
        let has_changes = if is_repository_top(&folder) {
            status(&folder, untracked)?.split(|byte| *byte == 0).any(is_change)
        } else {
            // Without its repository there is nothing to compare the files with.
            let entries = Beneath::new(source_root).join(OsStr::from_bytes(&path)).entries();
            entries.is_ok_and(|entries| !entries.is_empty())
        };
        if has_changes {
            changed.push(path);
        }
    }
    if !changed.is_empty() {
        let prefix = git::run(source_root, &["rev-parse", "--show-prefix"])?;
        let prefix = prefix.strip_suffix(b"\n").unwrap_or(&prefix);
        output.extend(changed.iter().flat_map(|path| [b"? ", prefix, path, b"\0"].concat()));
    }
    Ok(output)
}

/// Returns whether a record of a status describes a change: any record but the header lines.
pub(super) fn is_change(record: &[u8]) -> bool {
    !record.is_empty() && !record.starts_with(b"# ")
}

/// Returns the path of a record of a status.
pub(super) fn status_path(record: &[u8]) -> Option<&[u8]> {
    let fields = match record.first()? {
        b'1' => 8,
        b'u' => 10,
        b'?' => 1,
        _ => return None,
    };
    record.splitn(fields + 1, |byte| *byte == b' ').nth(fields)
}

/// Returns the hidden files whose content differs from git's index. A missing file of a sparse checkout is no change; a
/// file that a filter changes on its way into the repository always is one.
fn hidden_changes(source_root: &Path, hidden: Vec<HiddenFile>) -> Result<Vec<Vec<u8>>, Error> {
    let kind = |file: &HiddenFile| {
        let stat = statat(CWD, join(source_root, &file.path), AtFlags::SYMLINK_NOFOLLOW);
        stat.ok().map(|stat| FileType::from_raw_mode(stat.st_mode))
    };
    let (missing, present): (Vec<_>, Vec<_>) = hidden.into_iter().partition(|file| kind(file).is_none());
    let mut changed: Vec<_> = missing.into_iter().filter(|file| !file.is_sparse).map(|file| file.path).collect();
    // `git hash-object` reads one path a line, and follows links.
    let is_plain = |file: &HiddenFile| kind(file) == Some(FileType::RegularFile) && !file.path.contains(&b'\n');
    let (plain, others): (Vec<_>, Vec<_>) = present.into_iter().partition(is_plain);
    changed.extend(others.into_iter().map(|file| file.path));
    if !plain.is_empty() {
        let paths: Vec<&[u8]> = plain.iter().map(|file| file.path.as_slice()).collect();
        let hashes = git::hashes(source_root, &paths)?;
        let is_changed = |(file, hash): &(HiddenFile, Vec<u8>)| file.object != *hash;
        changed.extend(plain.into_iter().zip(hashes).filter(is_changed).map(|(file, _)| file.path));
    }
    Ok(changed)
}

/// The paths in git's index that `git status` leaves out.
struct IndexedPaths {
    /// Submodules, and other repositories that git tracks in the same way.
    submodules: Vec<Vec<u8>>,
    hidden: Vec<HiddenFile>,
}

/// A file marked as *assume unchanged* or *skip worktree*.
struct HiddenFile {
    path: Vec<u8>,
    /// Git's name of the content in the index.
    object: Vec<u8>,
    /// True if the file may be missing from the working tree.
    is_sparse: bool,
}

/// Reads git's index.
fn read_index(source_root: &Path) -> Result<IndexedPaths, Error> {
    let output = git::run(source_root, &["ls-files", "-z", "-v", "--stage"])?;
    let mut indexed = IndexedPaths { submodules: Vec::new(), hidden: Vec::new() };
    for line in output.split(|byte| *byte == 0) {
        // Each line has a tag letter, mode, object and stage, then a tab and the path.
        let Some(tab) = line.iter().position(|byte| *byte == b'\t') else { continue };
        let (path, fields) = (line[tab + 1..].to_vec(), line[..tab].split(|byte| *byte == b' ').collect::<Vec<_>>());
        let [tag, mode, object, _] = fields[..] else { continue };
        check_path(&path)?;
        if mode == SUBMODULE_MODE {
            // In a conflict each side has a line.
            if indexed.submodules.last() != Some(&path) {
                indexed.submodules.push(path);
            }
        } else if tag.first().is_some_and(|tag| tag.is_ascii_lowercase() || *tag == b'S') {
            let is_sparse = tag.eq_ignore_ascii_case(b"S");
            indexed.hidden.push(HiddenFile { path, object: object.to_vec(), is_sparse });
        }
    }
    Ok(indexed)
}
