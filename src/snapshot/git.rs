//! Runs git without letting it change anything.
#![expect(clippy::disallowed_methods, reason = "reads the environment and the owner of a repository")]

use std::collections::{BTreeSet, HashSet};
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::Error;
use crate::process::{Captured, Invocation, capture, own_program};

/// The time limit of each git command.
const DEADLINE: Duration = Duration::from_mins(10);
/// Settings that no repository may change: each could make git run a program, or trust a bare repository in a folder.
const OVERRIDES: [&str; 4] =
    ["core.fsmonitor=false", "core.hooksPath=/dev/null", "core.untrackedCache=false", "safe.bareRepository=explicit"];
/// The keys of a filter driver that name programs, with values that disable the driver.
const FILTER_KEYS: [(&str, &str); 4] = [("clean", ""), ("smudge", ""), ("process", ""), ("required", "false")];

/// Runs git in a folder and returns its output.
pub(super) fn run(folder: &Path, args: &[impl AsRef<OsStr>]) -> Result<Vec<u8>, Error> {
    run_with(folder, args, &[])
}

/// Runs git in a folder with the given filter drivers disabled, and returns its output.
pub(super) fn run_with(folder: &Path, args: &[impl AsRef<OsStr>], filters: &[OsString]) -> Result<Vec<u8>, Error> {
    let output = attempt(git(folder, args, filters), folder)?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(failure(folder, args, &output))
}

/// Returns the filter drivers that the settings of a repository define. Git would run their programs on the files.
pub(super) fn local_filters(folder: &Path) -> Result<Vec<OsString>, Error> {
    let args = ["config", "--show-scope", "--includes", "--name-only", "-z", "--get-regexp", "^filter\\."];
    let output = attempt(git(folder, &args, &[]), folder)?;
    // Exit code 1 means that no setting matches.
    if !matches!(output.status.code(), Some(0 | 1)) {
        return Err(failure(folder, &args, &output));
    }
    let fields: Vec<&[u8]> = output.stdout.split(|byte| *byte == 0).collect();
    let local = fields.chunks_exact(2).filter(|pair| matches!(pair[0], b"local" | b"worktree"));
    // filter.<driver>.<key>
    let driver = |key: &[u8]| {
        let rest = key.strip_prefix(b"filter.")?;
        let end = rest.iter().rposition(|byte| *byte == b'.')?;
        Some(OsString::from_vec(rest[..end].to_vec()))
    };
    let drivers: BTreeSet<OsString> = local.filter_map(|pair| driver(pair[1])).collect();
    Ok(drivers.into_iter().collect())
}

/// Runs git in a folder and returns the line that it prints; `None` when git fails.
pub(super) fn line(folder: &Path, args: &[&str]) -> Result<Option<String>, Error> {
    let output = attempt(git(folder, args, &[]), folder)?;
    Ok(output.status.success().then(|| first_line(&output)))
}

/// Runs git in a folder and returns the line that it prints; `None` when git prints nothing and exits with 1, because
/// there is no result.
pub(super) fn result_line(folder: &Path, args: &[&str]) -> Result<Option<String>, Error> {
    let output = attempt(git(folder, args, &[]), folder)?;
    match output.status.code() {
        Some(0) => Ok(Some(first_line(&output))),
        Some(1) if output.stdout.is_empty() => Ok(None),
        _ => Err(failure(folder, args, &output)),
    }
}

fn first_line(output: &Captured) -> String {
    String::from_utf8_lossy(&output.stdout).trim_end_matches('\n').to_owned()
}

/// Returns the given paths of a folder that git ignores.
pub(super) fn ignored(folder: &Path, paths: &[Vec<u8>]) -> Result<HashSet<Vec<u8>>, Error> {
    if paths.is_empty() {
        return Ok(HashSet::new());
    }
    // Without the prefix a path that begins with a colon would be a pathspec with magic.
    let lines: Vec<_> = paths.iter().map(|path| [b"./", path.as_slice()].concat()).collect();
    let args = ["check-ignore", "-z", "--stdin"];
    let output = capture(git(folder, &args, &[]).stdin(lines.join(&0)), DEADLINE)?;
    // Exit code 1 means that no path is ignored.
    if !matches!(output.status.code(), Some(0 | 1)) {
        return Err(failure(folder, &args, &output));
    }
    Ok(output.stdout.split(|byte| *byte == 0).filter_map(|line| line.strip_prefix(b"./")).map(<[u8]>::to_vec).collect())
}

/// Marks paths in a copy of an index as files that aren't in the working tree on purpose.
pub(super) fn skip_paths(folder: &Path, index: &Path, paths: &[Vec<u8>]) -> Result<(), Error> {
    let args = ["update-index", "--skip-worktree", "-z", "--stdin"];
    let git = git(folder, &args, &local_filters(folder)?).env("GIT_INDEX_FILE", Some(index.as_os_str()));
    let output = capture(git.stdin(paths.join(&0)), DEADLINE)?;
    if output.status.success() { Ok(()) } else { Err(failure(folder, &args, &output)) }
}

/// Returns git's object names for the unfiltered contents of files, in the order of the paths.
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
        // The repository may be a folder above; git prints its path between quotes.
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

/// Returns an invocation of git that only reads: it runs no program that the repository names, takes no lock, refreshes no
/// index, fetches nothing, shows no prompt and starts no daemon.
fn git(folder: &Path, args: &[impl AsRef<OsStr>], filters: &[OsString]) -> Invocation {
    // In a git hook, GIT_DIR and similar variables may lead to another repository or index than the folder's.
    let is_unset = |name: &str| name.starts_with("GIT_") && !name.starts_with("GIT_CONFIG_") && name != "GIT_EXEC_PATH";
    let unset = env::vars_os().map(|(name, _)| name).filter(|name| is_unset(&name.to_string_lossy()));
    let git = unset
        .fold(Invocation::new(own_program("git")).dir(folder), |git, name| git.env(name, None))
        .env("GIT_OPTIONAL_LOCKS", Some("0".as_ref()))
        .env("GIT_NO_LAZY_FETCH", Some("1".as_ref()))
        // Older versions of git lack GIT_NO_LAZY_FETCH, but obey this variable.
        .env("GIT_ALLOW_PROTOCOL", Some("none".as_ref()))
        .env("GIT_TERMINAL_PROMPT", Some("0".as_ref()))
        .env("LC_ALL", Some("C".as_ref()));
    let overrides = OVERRIDES.into_iter().flat_map(|setting| ["-c", setting]);
    without_filters(git, filters).args(overrides).args(args.iter().map(AsRef::as_ref))
}

/// Disables filter drivers by settings in the environment, which follow those of the caller. The name of a driver may hold
/// characters that the argument `-c` doesn't allow.
fn without_filters(git: Invocation, filters: &[OsString]) -> Invocation {
    const COUNT: &str = "GIT_CONFIG_COUNT";
    if filters.is_empty() {
        return git;
    }
    let first = env::var(COUNT).ok().and_then(|count| count.parse().ok()).unwrap_or(0_usize);
    let keys = filters.iter().flat_map(|driver| FILTER_KEYS.map(|(key, value)| (driver, key, value)));
    let git = keys.clone().zip(first..).fold(git, |git, ((driver, suffix, value), number)| {
        let mut key = OsString::from("filter.");
        key.push(driver);
        key.push(".");
        key.push(suffix);
        git.env(format!("GIT_CONFIG_KEY_{number}"), Some(&key))
            .env(format!("GIT_CONFIG_VALUE_{number}"), Some(value.as_ref()))
    });
    git.env(COUNT, Some((first + keys.count()).to_string().as_ref()))
}
