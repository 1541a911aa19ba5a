#![expect(clippy::disallowed_methods, reason = "looks for .git")]
//! What changed in a source tree, as git sees it.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, statat};

use super::error::Error;
use super::git;
use super::list::{check_path, join, list_folder};

/// The mode of a submodule in the index of git.
const SUBMODULE_MODE: &[u8] = b"160000 ";

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
            None => dirty |= is_change(line),
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

/// Returns what git says of a tree, and after it of its submodules that have changes of their own. Git is kept from looking
/// into those: it would do so by their own settings, which may name programs to run.
fn status(source_root: &Path, untracked: &str) -> Result<Vec<u8>, Error> {
    let args = ["status", "--porcelain=v2", "--branch", "-z", "--no-renames", "--ignore-submodules=dirty", untracked];
    let args = [args.as_slice(), &["--", "."]].concat();
    let (output, submodules) = rayon::join(
        || git::run_with(source_root, &args, &git::local_filters(source_root)?),
        || submodules(source_root),
    );
    let mut output = output?;
    for path in submodules? {
        let folder = join(source_root, &path);
        let is_repository = fs::symlink_metadata(folder.join(".git")).is_ok();
        if is_repository && status(&folder, untracked)?.split(|byte| *byte == 0).any(is_change) {
            let prefix = git::run(source_root, &["rev-parse", "--show-prefix"])?;
            let prefix = prefix.strip_suffix(b"\n").unwrap_or(&prefix);
            output.extend([b"? ", prefix, &path, b"\0"].concat());
        }
    }
    Ok(output)
}

fn is_change(record: &[u8]) -> bool {
    !record.is_empty() && !record.starts_with(b"# ")
}

/// Returns the submodules of a tree, relative to it, and other repositories that git tracks as such.
fn submodules(source_root: &Path) -> Result<Vec<Vec<u8>>, Error> {
    let output = git::run(source_root, &["ls-files", "-z", "--stage"])?;
    let submodule = |line: &[u8]| {
        let (about, path) = line.split_at_checked(line.iter().position(|byte| *byte == b'\t')?)?;
        about.starts_with(SUBMODULE_MODE).then(|| path[1..].to_vec())
    };
    let mut paths: Vec<Vec<u8>> = output.split(|byte| *byte == 0).filter_map(submodule).collect();
    // In a conflict each side has a line.
    paths.dedup();
    paths.iter().try_for_each(|path| check_path(path))?;
    Ok(paths)
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
    check_path(path)?;
    known.insert(PathBuf::from(OsStr::from_bytes(path)));
    let stat = statat(CWD, join(source_root, path), AtFlags::SYMLINK_NOFOLLOW);
    if stat.is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Directory) {
        let inside = list_folder(source_root, path)?;
        known.extend(inside.iter().map(|path| PathBuf::from(OsStr::from_bytes(path))));
    }
    Ok(())
}
