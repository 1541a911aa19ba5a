//! What changed in a source tree, as git sees it.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, statat};

use super::error::Error;
use super::git;
use super::list::{join, list_folder};

/// The commit that a source tree is at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The commit; `None` before the first one.
    pub commit: Option<String>,
    /// Whether the working tree or the index differ from it, or there are untracked files.
    pub dirty: bool,
}

/// Which files changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangedFiles {
    /// These, relative to the source tree, whether they exist now or did before; a renamed file is there twice.
    Known(BTreeSet<PathBuf>),
    /// It can't be told: all count as changed.
    All {
        /// Why not.
        reason: String,
    },
}

/// Returns the commit that a source tree is at; `None` outside a git repository.
///
/// # Errors
/// When git is missing or fails.
pub fn head(source_root: &Path) -> Result<Option<Head>, Error> {
    if !git::is_repository(source_root) {
        return Ok(None);
    }
    let output = status(source_root, "--untracked-files=normal")?;
    let (mut commit, mut dirty) = (None, false);
    for line in output.split(|byte| *byte == 0).filter(|line| !line.is_empty()) {
        match line.strip_prefix(b"# branch.oid ") {
            Some(b"(initial)") => {}
            Some(oid) => commit = Some(String::from_utf8_lossy(oid).into_owned()),
            None => dirty |= !line.starts_with(b"# "),
        }
    }
    Ok(Some(Head { commit, dirty }))
}

/// Returns what the working tree, the index and the untracked files change in HEAD, and with `base` also what HEAD
/// changed since it left `base`. A clean checkout without a base has changed nothing.
///
/// # Errors
/// When git is missing or fails, or `base` names no commit.
pub fn changed_files(source_root: &Path, base: Option<&str>) -> Result<ChangedFiles, Error> {
    let all = |reason: &str| Ok(ChangedFiles::All { reason: reason.to_owned() });
    if !git::is_repository(source_root) {
        return all("the source tree isn't in a git repository");
    }
    let (output, prefix) = rayon::join(
        || status(source_root, "--untracked-files=all"),
        || git::run(source_root, &["rev-parse", "--show-prefix"]),
    );
    let (output, prefix) = (output?, prefix?);
    if output.split(|byte| *byte == 0).any(|record| record == b"# branch.oid (initial)") {
        return all("the git repository has no commit");
    }
    let prefix = prefix.strip_suffix(b"\n").unwrap_or(&prefix);
    let mut paths = BTreeSet::new();
    if let Some(base) = base {
        let Some(fork) = fork_point(source_root, base)? else {
            return all(&format!("HEAD and {base} have no common ancestor here"));
        };
        let args = ["diff-tree", "-r", "-z", "--name-only", "--no-renames", &fork, "HEAD"];
        let output = git::run(source_root, &args)?;
        paths.extend(output.split(|byte| *byte == 0).map(<[u8]>::to_vec));
    }
    paths.extend(output.split(|byte| *byte == 0).filter_map(status_path).map(<[u8]>::to_vec));
    let mut known = BTreeSet::new();
    for path in paths.iter().filter_map(|path| path.strip_prefix(prefix)) {
        add(source_root, path, &mut known)?;
    }
    Ok(ChangedFiles::Known(known))
}

/// Returns the commit at which HEAD left a base, if there is one.
fn fork_point(source_root: &Path, base: &str) -> Result<Option<String>, Error> {
    let name = format!("{base}^{{commit}}");
    let args = ["rev-parse", "--quiet", "--verify", "--end-of-options", &name];
    let Some(commit) = git::line(source_root, &args)? else {
        return Err(Error::NoSuchBase { base: base.to_owned(), root: source_root.to_owned() });
    };
    git::line(source_root, &["merge-base", &commit, "HEAD"])
}

fn status(source_root: &Path, untracked: &str) -> Result<Vec<u8>, Error> {
    let args = ["status", "--porcelain=v2", "--branch", "-z", "--no-renames", "--ignore-submodules=none", untracked];
    git::run(source_root, &[args.as_slice(), &["--", "."]].concat())
}

/// Returns the path of a record of `git status --porcelain=v2 -z`.
fn status_path(record: &[u8]) -> Option<&[u8]> {
    let fields = match record.first()? {
        b'1' => 8,
        b'u' => 10,
        b'?' => 1,
        _ => return None,
    };
    record.splitn(fields + 1, |byte| *byte == b' ').nth(fields)
}

/// Adds a path; for a submodule or another repository, which git names as a whole, all that is in it.
fn add(source_root: &Path, path: &[u8], known: &mut BTreeSet<PathBuf>) -> Result<(), Error> {
    let path = path.strip_suffix(b"/").unwrap_or(path);
    if path.is_empty() {
        return Ok(());
    }
    known.insert(PathBuf::from(OsStr::from_bytes(path)));
    let stat = statat(CWD, join(source_root, path), AtFlags::SYMLINK_NOFOLLOW);
    if stat.is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Directory) {
        let inside = list_folder(source_root, path)?;
        known.extend(inside.iter().map(|path| PathBuf::from(OsStr::from_bytes(path))));
    }
    Ok(())
}
