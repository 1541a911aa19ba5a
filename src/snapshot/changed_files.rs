//! Compares a source tree with git's commits.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, statat};

use super::error::Error;
use super::git;
use super::git_paths::check_path;
use super::git_status::{status, status_path};
use super::list::list_folder;
use super::repository::is_in_repository;
use super::tree_path::join;

/// Maximum number of branches that an error names.
const MAX_BRANCHES: usize = 8;

/// The files of a source tree that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangedFiles {
    /// Paths relative to the source tree, those of removed files included; a renamed file has both its paths.
    Listed(BTreeSet<PathBuf>),
    /// All files count as changed because the tree can't be compared.
    All {
        /// Reason why the tree can't be compared.
        reason: String,
    },
}

/// Returns the files that differ from HEAD in the working tree or the index, and the untracked files; with `base` also
/// the files that HEAD changed since it left `base`. A clean checkout without a base has no changes.
///
/// # Errors
/// When git is missing or fails, or `base` names no commit.
pub fn changed_files(source_root: &Path, base: Option<&str>) -> Result<ChangedFiles, Error> {
    let all = |reason: &str| Ok(ChangedFiles::All { reason: reason.to_owned() });
    if !is_in_repository(source_root) {
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
            let more = if is_shallow(source_root)? { ", but `git fetch --unshallow` may fetch one" } else { "" };
            return all(&format!("HEAD and {base} have no common ancestor here{more}"));
        };
        let args = ["diff-tree", "-r", "-z", "--name-only", "--no-renames", &fork, "HEAD"];
        let output = git::run(source_root, &args).map_err(|error| diff_error(source_root, base, &fork, error))?;
        paths.extend(output.split(|byte| *byte == 0).map(<[u8]>::to_vec));
    }
    paths.extend(output.split(|byte| *byte == 0).filter_map(status_path).map(<[u8]>::to_vec));
    let mut changed = BTreeSet::new();
    for path in paths.iter().filter_map(|path| path.strip_prefix(prefix)) {
        add(source_root, path, &mut changed)?;
    }
    Ok(ChangedFiles::Listed(changed))
}

/// Returns a file of a source tree as HEAD has it, or with `base` as the commit at which HEAD left `base` has it; `None` if
/// there is no such file of at most `limit` bytes.
///
/// # Errors
/// When git is missing or fails, or `base` names no commit.
pub fn committed_file(
    source_root: &Path,
    base: Option<&str>,
    name: &str,
    limit: u64,
) -> Result<Option<Vec<u8>>, Error> {
    let commit = match base {
        Some(base) => fork_point(source_root, base)?,
        None => Some("HEAD".to_owned()),
    };
    let Some(commit) = commit else { return Ok(None) };
    let object = format!("{commit}:./{name}");
    let size = git::line(source_root, &["cat-file", "-s", &object])?;
    let is_within = |size: String| size.parse::<u64>().is_ok_and(|size| size <= limit);
    if size.is_some_and(is_within) { git::run(source_root, &["cat-file", "blob", &object]).map(Some) } else { Ok(None) }
}

fn is_shallow(source_root: &Path) -> Result<bool, Error> {
    Ok(git::line(source_root, &["rev-parse", "--is-shallow-repository"])?.as_deref() == Some("true"))
}

/// Returns the error of a failed comparison: [`Error::Partial`] if this is a partial clone that lacks folders of the
/// commits, otherwise `error`.
fn diff_error(source_root: &Path, base: &str, fork: &str, error: Error) -> Error {
    let promisor = ["config", "--get-regexp", r"^remote\..*\.promisor$"];
    let is_partial = git::run(source_root, &promisor).is_ok();
    // A missing object is listed with a question mark; a broken one makes git fail.
    let objects = ["rev-list", "--objects", "--no-walk", "--missing=print", "--filter=blob:none", fork, "HEAD"];
    let lacks_folders = |list: Vec<u8>| list.split(|byte| *byte == b'\n').any(|line| line.starts_with(b"?"));
    if is_partial && git::run(source_root, &objects).is_ok_and(lacks_folders) {
        Error::Partial { base: base.to_owned(), root: source_root.to_owned() }
    } else {
        error
    }
}

/// Returns the commit at which HEAD left a base, if there is one.
fn fork_point(source_root: &Path, base: &str) -> Result<Option<String>, Error> {
    let name = format!("{base}^{{commit}}");
    let args = ["rev-parse", "--quiet", "--verify", "--end-of-options", &name];
    let Some(commit) = git::line(source_root, &args)? else {
        let shallow = is_shallow(source_root)?;
        let (base, root, branches) = (base.to_owned(), source_root.to_owned(), branches(source_root)?);
        return Err(Error::NoSuchBase { base, root, shallow, branches });
    };
    git::result_line(source_root, &["merge-base", &commit, "HEAD"])
}

/// Returns the names of the branches with the newest commits, those of remotes too.
fn branches(source_root: &Path) -> Result<Vec<String>, Error> {
    let args = ["for-each-ref", "--sort=-committerdate", "--format=%(refname:short)", "refs/heads", "refs/remotes"];
    let names = git::run(source_root, &args)?;
    Ok(String::from_utf8_lossy(&names).lines().take(MAX_BRANCHES).map(str::to_owned).collect())
}

/// Adds a path, and all files in it if it is a submodule or a nested repository, which git lists as a whole.
fn add(source_root: &Path, path: &[u8], changed: &mut BTreeSet<PathBuf>) -> Result<(), Error> {
    let path = path.strip_suffix(b"/").unwrap_or(path);
    if path.is_empty() {
        return Ok(());
    }
    check_path(path)?;
    changed.insert(PathBuf::from(OsStr::from_bytes(path)));
    let stat = statat(CWD, join(source_root, path), AtFlags::SYMLINK_NOFOLLOW);
    if stat.is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Directory) {
        let inside = list_folder(source_root, path)?;
        changed.extend(inside.iter().map(|path| PathBuf::from(OsStr::from_bytes(path))));
    }
    Ok(())
}
