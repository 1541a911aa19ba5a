#![expect(clippy::disallowed_methods, reason = "looks for .git and at the environment")]
//! Git, asked without changing anything.

use std::collections::{BTreeSet, HashSet};
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::Error;
use crate::foreign::Beneath;
use crate::process::{Captured, Invocation, capture, own_program};

/// How long git may take over a source tree.
const DEADLINE: Duration = Duration::from_secs(600);
/// Settings that no repository may change: each would have git run a program, or trust a folder of a plain clone.
const OVERRIDES: [&str; 3] = ["core.fsmonitor=false", "core.untrackedCache=false", "safe.bareRepository=explicit"];
/// The longest file `.git` that is read, in bytes.
const LINK_LIMIT: u64 = 16 << 10;
/// The keys of a filter's driver by which git runs programs, with values that run none.
const FILTER_KEYS: [(&str, &str); 4] = [("clean", ""), ("smudge", ""), ("process", ""), ("required", "false")];

/// Returns whether git would find a repository from a folder: one on the same file system, in it or around it.
pub(super) fn is_repository(folder: &Path) -> bool {
    let device = |path: &Path| fs::metadata(path).map(|meta| meta.dev()).ok();
    let Ok(folder) = folder.canonicalize() else { return false };
    let mut ancestors = folder.ancestors().take_while(|ancestor| device(ancestor) == device(&folder));
    ancestors.find_map(has_repository).unwrap_or(false)
}

/// Returns whether a folder is the top of a repository.
pub(super) fn is_top(folder: &Path) -> bool {
    has_repository(folder) == Some(true)
}

/// Returns whether git finds a repository by the `.git` of a folder; `None` where git looks further up.
fn has_repository(folder: &Path) -> Option<bool> {
    let git = folder.join(".git");
    let has_head = |folder: &Path| fs::symlink_metadata(folder.join("HEAD")).is_ok();
    if fs::metadata(&git).ok()?.is_dir() {
        return has_head(&git).then_some(true);
    }
    // A worktree or a submodule, whose repository may have been left behind.
    let text = Beneath::new(folder).join(".git").read(LINK_LIMIT).ok()?;
    let place = text.strip_prefix(b"gitdir: ")?.trim_ascii_end();
    Some(has_head(&folder.join(OsStr::from_bytes(place))))
}

/// Returns something in a folder, or the folder, that the repository around it tracks; a folder that isn't there has
/// nothing.
///
/// # Errors
/// When git is missing or fails.
pub fn tracked_in(folder: &Path) -> Result<Option<String>, Error> {
    let (Some(parent), Some(name)) = (folder.parent(), folder.file_name()) else { return Ok(None) };
    if fs::symlink_metadata(folder).is_err() || !is_repository(parent) {
        return Ok(None);
    }
    // Whatever its case: some file systems don't tell cases apart.
    let pathspec = [b":(icase,literal)", name.as_bytes()].concat();
    let [list, zero, end] = ["ls-files", "-z", "--"].map(OsStr::new);
    let output = run(parent, &[list, zero, end, OsStr::from_bytes(&pathspec)])?;
    let first = output.split(|byte| *byte == 0).find(|path| !path.is_empty());
    Ok(first.map(|path| String::from_utf8_lossy(path).into_owned()))
}

/// Runs git in a folder and returns its output.
pub(super) fn run(folder: &Path, args: &[impl AsRef<OsStr>]) -> Result<Vec<u8>, Error> {
    run_with(folder, args, &[])
}

/// Runs git in a folder, with drivers of filters that do nothing, and returns its output.
pub(super) fn run_with(folder: &Path, args: &[impl AsRef<OsStr>], filters: &[OsString]) -> Result<Vec<u8>, Error> {
    let output = attempt(git(folder, args, filters), folder)?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(failure(folder, args, &output))
}

/// Returns the drivers of filters that a repository itself names: git would run them on its files.
pub(super) fn local_filters(folder: &Path) -> Result<Vec<OsString>, Error> {
    let args = ["config", "--show-scope", "--includes", "--name-only", "-z", "--get-regexp", "^filter\\."];
    let output = attempt(git(folder, &args, &[]), folder)?;
    // 1 says that there is none.
    if !matches!(output.status.code(), Some(0 | 1)) {
        return Err(failure(folder, &args, &output));
    }
    let fields: Vec<&[u8]> = output.stdout.split(|byte| *byte == 0).collect();
    let local = fields.chunks_exact(2).filter(|pair| matches!(pair[0], b"local" | b"worktree"));
    // filter.<driver>.<what>
    let driver = |key: &[u8]| {
        let rest = key.strip_prefix(b"filter.")?;
        let end = rest.iter().rposition(|byte| *byte == b'.')?;
        Some(OsString::from_vec(rest[..end].to_vec()))
    };
    let drivers: BTreeSet<OsString> = local.filter_map(|pair| driver(pair[1])).collect();
    Ok(drivers.into_iter().collect())
}

/// Runs git in a folder and returns the line that it prints, or `None` when it fails.
pub(super) fn line(folder: &Path, args: &[&str]) -> Result<Option<String>, Error> {
    let output = attempt(git(folder, args, &[]), folder)?;
    let line = String::from_utf8_lossy(&output.stdout).trim_end_matches('\n').to_owned();
    Ok(output.status.success().then_some(line))
}

/// Returns those paths of a folder that are ignored.
pub(super) fn ignored(folder: &Path, paths: &[Vec<u8>]) -> Result<HashSet<Vec<u8>>, Error> {
    if paths.is_empty() {
        return Ok(HashSet::new());
    }
    // A name that begins with a colon would be magic.
    let lines: Vec<_> = paths.iter().map(|path| [b"./", path.as_slice()].concat()).collect();
    let args = ["check-ignore", "-z", "--stdin"];
    let output = capture(git(folder, &args, &[]).stdin(lines.join(&0)), DEADLINE)?;
    // 1 says that none is ignored.
    if !matches!(output.status.code(), Some(0 | 1)) {
        return Err(failure(folder, &args, &output));
    }
    Ok(output.stdout.split(|byte| *byte == 0).filter_map(|line| line.strip_prefix(b"./")).map(<[u8]>::to_vec).collect())
}

/// Returns the names that git has for the contents of files as they are, in the order of their paths.
pub(super) fn hashes(folder: &Path, paths: &[&[u8]]) -> Result<Vec<Vec<u8>>, Error> {
    let args = ["hash-object", "--no-filters", "--stdin-paths"];
    let output = capture(git(folder, &args, &[]).stdin(paths.join(&b'\n')), DEADLINE)?;
    if !output.status.success() {
        return Err(failure(folder, &args, &output));
    }
    Ok(output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(<[u8]>::to_vec).collect())
}

fn failure(folder: &Path, args: &[impl AsRef<OsStr>], output: &Captured) -> Error {
    let message = output.stderr.trim().to_owned();
    if message.contains("dubious ownership") {
        // The repository may be further up; git puts it between quotes.
        let root = message.split('\'').nth(1).map_or(folder.to_owned(), PathBuf::from);
        let owner = fs::symlink_metadata(&root).map(|meta| meta.uid()).ok();
        return Error::Ownership { root, owner };
    }
    let words: Vec<_> = args.iter().map(|arg| arg.as_ref().to_string_lossy()).collect();
    Error::Git { command: words.join(" "), root: folder.to_owned(), message }
}

fn attempt(git: Invocation, folder: &Path) -> Result<Captured, Error> {
    capture(git, DEADLINE).map_err(|error| {
        let missing = error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == ErrorKind::NotFound);
        if missing && folder.is_dir() { Error::GitMissing { root: folder.to_owned() } } else { Error::Other(error) }
    })
}

/// Returns a git that runs nothing which the repository names, takes no lock, refreshes no index, fetches nothing, asks
/// nobody and starts no daemon: whoever only plans writes nothing.
fn git(folder: &Path, args: &[impl AsRef<OsStr>], filters: &[OsString]) -> Invocation {
    // A hook runs with GIT_DIR and others that are about another repository, or another index, than the folder's.
    let foreign = |name: &str| name.starts_with("GIT_") && !name.starts_with("GIT_CONFIG_") && name != "GIT_EXEC_PATH";
    let foreign = env::vars_os().map(|(name, _)| name).filter(|name| foreign(&name.to_string_lossy()));
    let git = foreign
        .fold(Invocation::new(own_program("git")).dir(folder), |git, name| git.env(name, None))
        .env("GIT_OPTIONAL_LOCKS", Some("0".as_ref()))
        .env("GIT_NO_LAZY_FETCH", Some("1".as_ref()))
        // An older git knows only that no protocol is allowed.
        .env("GIT_ALLOW_PROTOCOL", Some("none".as_ref()))
        .env("GIT_TERMINAL_PROMPT", Some("0".as_ref()))
        .env("LC_ALL", Some("C".as_ref()));
    let overrides = OVERRIDES.into_iter().flat_map(|setting| ["-c", setting]);
    without_filters(git, filters).args(overrides).args(args.iter().map(AsRef::as_ref))
}

/// Switches drivers of filters off, by settings in the environment after those of the caller: a driver's name may hold
/// characters that an argument `-c` can't.
fn without_filters(git: Invocation, filters: &[OsString]) -> Invocation {
    const COUNT: &str = "GIT_CONFIG_COUNT";
    if filters.is_empty() {
        return git;
    }
    let first = env::var(COUNT).ok().and_then(|count| count.parse().ok()).unwrap_or(0_usize);
    let keys = filters.iter().flat_map(|driver| FILTER_KEYS.map(|(what, value)| (driver, what, value)));
    let git = keys.clone().zip(first..).fold(git, |git, ((driver, what, value), number)| {
        let mut key = OsString::from("filter.");
        key.push(driver);
        key.push(".");
        key.push(what);
        git.env(format!("GIT_CONFIG_KEY_{number}"), Some(&key))
            .env(format!("GIT_CONFIG_VALUE_{number}"), Some(value.as_ref()))
    });
    git.env(COUNT, Some((first + keys.count()).to_string().as_ref()))
}
