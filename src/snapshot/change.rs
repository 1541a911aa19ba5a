//! What changed in a source tree, as git sees it.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, statat};

use super::error::Error;
use super::git;
use super::list::{check_path, join, list_folder};
use crate::foreign::Beneath;

/// The mode of a submodule in the index of git.
const SUBMODULE_MODE: &[u8] = b"160000";

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
            let more = if is_shallow(source_root)? { ", but `git fetch --unshallow` may bring one" } else { "" };
            return all(&format!("HEAD and {base} have no common ancestor here{more}"));
        };
        let args = ["diff-tree", "-r", "-z", "--name-only", "--no-renames", &fork, "HEAD"];
        let output = git::run(source_root, &args).or_else(|error| Err(partial(source_root, base, error)?))?;
        paths.extend(output.split(|byte| *byte == 0).map(<[u8]>::to_vec));
    }
    paths.extend(output.split(|byte| *byte == 0).filter_map(status_path).map(<[u8]>::to_vec));
    let mut known = BTreeSet::new();
    for path in paths.iter().filter_map(|path| path.strip_prefix(prefix)) {
        add(source_root, path, &mut known)?;
    }
    Ok(ChangedFiles::Known(known))
}

fn is_shallow(source_root: &Path) -> Result<bool, Error> {
    Ok(git::line(source_root, &["rev-parse", "--is-shallow-repository"])?.as_deref() == Some("true"))
}

/// Returns the error of comparing with a base: in a partial clone, that what it lacks has to be fetched.
fn partial(source_root: &Path, base: &str, error: Error) -> Result<Error, Error> {
    let promisor = git::line(source_root, &["config", "--get-regexp", r"^remote\..*\.promisor$"])?;
    let base = base.to_owned();
    Ok(promisor.map_or(error, |_| Error::Partial { base, root: source_root.to_owned() }))
}

/// Returns the commit at which HEAD left a base, if there is one.
fn fork_point(source_root: &Path, base: &str) -> Result<Option<String>, Error> {
    let name = format!("{base}^{{commit}}");
    let args = ["rev-parse", "--quiet", "--verify", "--end-of-options", &name];
    let Some(commit) = git::line(source_root, &args)? else {
        let shallow = is_shallow(source_root)?;
        return Err(Error::NoSuchBase { base: base.to_owned(), root: source_root.to_owned(), shallow });
    };
    git::line(source_root, &["merge-base", &commit, "HEAD"])
}

/// Returns what git says of a tree, and after it of its submodules that have changes of their own. Git is kept from looking
/// into those: it would do so by their own settings, which may name programs to run.
fn status(source_root: &Path, untracked: &str) -> Result<Vec<u8>, Error> {
    let args = ["status", "--porcelain=v2", "--branch", "-z", "--no-renames", "--ignore-submodules=dirty", untracked];
    let args = [args.as_slice(), &["--", "."]].concat();
    let (output, staged) =
        rayon::join(|| git::run_with(source_root, &args, &git::local_filters(source_root)?), || staged(source_root));
    let mut output = output?;
    let Staged { submodules, hidden } = staged?;
    let mut changed = hidden_changes(source_root, hidden)?;
    for path in submodules {
        let folder = join(source_root, &path);
        let has_changes = if git::is_top(&folder) {
            status(&folder, untracked)?.split(|byte| *byte == 0).any(is_change)
        } else {
            // Without its repository there is nothing that its files could be compared with.
            Beneath::new(source_root).join(OsStr::from_bytes(&path)).entries().is_ok_and(|inside| !inside.is_empty())
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

/// Returns those files that git was told to take for unchanged and that aren't what its index has. One that git left out
/// of a sparse checkout is no change; one that a filter changes on its way in always is.
fn hidden_changes(source_root: &Path, hidden: Vec<Hidden>) -> Result<Vec<Vec<u8>>, Error> {
    let kind = |hidden: &Hidden| {
        let stat = statat(CWD, join(source_root, &hidden.path), AtFlags::SYMLINK_NOFOLLOW);
        stat.ok().map(|stat| FileType::from_raw_mode(stat.st_mode))
    };
    let (missing, present): (Vec<_>, Vec<_>) = hidden.into_iter().partition(|hidden| kind(hidden).is_none());
    let mut changed: Vec<_> =
        missing.into_iter().filter(|hidden| !hidden.is_sparse).map(|hidden| hidden.path).collect();
    // A name with a newline can't be asked about, and a link would be followed.
    let is_plain = |hidden: &Hidden| kind(hidden) == Some(FileType::RegularFile) && !hidden.path.contains(&b'\n');
    let (plain, others): (Vec<_>, Vec<_>) = present.into_iter().partition(is_plain);
    changed.extend(others.into_iter().map(|hidden| hidden.path));
    if !plain.is_empty() {
        let paths: Vec<&[u8]> = plain.iter().map(|hidden| hidden.path.as_slice()).collect();
        let hashes = git::hashes(source_root, &paths)?;
        let is_changed = |(hidden, hash): &(Hidden, Vec<u8>)| hidden.object != *hash;
        changed.extend(plain.into_iter().zip(hashes).filter(is_changed).map(|(hidden, _)| hidden.path));
    }
    Ok(changed)
}

fn is_change(record: &[u8]) -> bool {
    !record.is_empty() && !record.starts_with(b"# ")
}

/// The entries of git's index that its status leaves out.
struct Staged {
    /// The submodules, and other repositories that git tracks as such.
    submodules: Vec<Vec<u8>>,
    /// The files that git was told to take for unchanged.
    hidden: Vec<Hidden>,
}

/// A file that git was told to take for unchanged.
struct Hidden {
    path: Vec<u8>,
    /// Its content in the index, as git names it.
    object: Vec<u8>,
    /// True if it may be missing.
    is_sparse: bool,
}

/// Reads git's index.
fn staged(source_root: &Path) -> Result<Staged, Error> {
    let output = git::run(source_root, &["ls-files", "-z", "-v", "--stage"])?;
    let mut staged = Staged { submodules: Vec::new(), hidden: Vec::new() };
    for line in output.split(|byte| *byte == 0) {
        // A letter, then mode, object and stage, a tab, and the path.
        let Some(tab) = line.iter().position(|byte| *byte == b'\t') else { continue };
        let (path, fields) = (line[tab + 1..].to_vec(), line[..tab].split(|byte| *byte == b' ').collect::<Vec<_>>());
        let [tag, mode, object, _] = fields[..] else { continue };
        check_path(&path)?;
        if mode == SUBMODULE_MODE {
            // In a conflict each side has a line.
            if staged.submodules.last() != Some(&path) {
                staged.submodules.push(path);
            }
        } else if tag.first().is_some_and(|tag| tag.is_ascii_lowercase() || *tag == b'S') {
            let is_sparse = tag.eq_ignore_ascii_case(b"S");
            staged.hidden.push(Hidden { path, object: object.to_vec(), is_sparse });
        }
    }
    Ok(staged)
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
