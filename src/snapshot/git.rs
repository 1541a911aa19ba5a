#![expect(clippy::disallowed_methods, reason = "looks for .git and at the environment")]
//! Git, asked without changing anything.

use std::collections::HashSet;
use std::env;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::Error;
use crate::process::{Captured, Invocation, capture};

/// How long git may take over a source tree.
const DEADLINE: Duration = Duration::from_secs(600);

/// Returns whether git would find a repository from a folder: one on the same file system, in it or around it.
pub(super) fn is_repository(folder: &Path) -> bool {
    let device = |path: &Path| fs::metadata(path).map(|meta| meta.dev()).ok();
    let Ok(folder) = folder.canonicalize() else { return false };
    folder
        .ancestors()
        .take_while(|ancestor| device(ancestor) == device(&folder))
        .any(|ancestor| fs::symlink_metadata(ancestor.join(".git")).is_ok())
}

/// Runs git in a folder and returns its output.
pub(super) fn run(folder: &Path, args: &[&str]) -> Result<Vec<u8>, Error> {
    let output = attempt(folder, args)?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(failure(folder, args, &output))
}

/// Runs git in a folder and returns the line that it prints, or `None` when it fails.
pub(super) fn line(folder: &Path, args: &[&str]) -> Result<Option<String>, Error> {
    let output = attempt(folder, args)?;
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
    let output = capture(git(folder, &args).stdin(lines.join(&0)), DEADLINE)?;
    // 1 says that none is ignored.
    if !matches!(output.status.code(), Some(0 | 1)) {
        return Err(failure(folder, &args, &output));
    }
    Ok(output.stdout.split(|byte| *byte == 0).filter_map(|line| line.strip_prefix(b"./")).map(<[u8]>::to_vec).collect())
}

fn failure(folder: &Path, args: &[&str], output: &Captured) -> Error {
    let message = output.stderr.trim().to_owned();
    if message.contains("dubious ownership") {
        // The repository may be further up; git puts it between quotes.
        let root = message.split('\'').nth(1).map_or(folder.to_owned(), PathBuf::from);
        return Error::Ownership { root };
    }
    Error::Git { command: args.join(" "), root: folder.to_owned(), message }
}

fn attempt(folder: &Path, args: &[&str]) -> Result<Captured, Error> {
    capture(git(folder, args), DEADLINE).map_err(|error| {
        let missing = error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == ErrorKind::NotFound);
        if missing && folder.is_dir() { Error::GitMissing { root: folder.to_owned() } } else { Error::Other(error) }
    })
}

/// Returns a git that takes no lock, refreshes no index, fetches nothing, asks nobody and starts no daemon: whoever only
/// plans writes nothing.
fn git(folder: &Path, args: &[&str]) -> Invocation {
    // A hook runs with GIT_DIR and others that are about another repository, or another index, than the folder's.
    let foreign = |name: &str| name.starts_with("GIT_") && !name.starts_with("GIT_CONFIG_") && name != "GIT_EXEC_PATH";
    let foreign = env::vars_os().map(|(name, _)| name).filter(|name| foreign(&name.to_string_lossy()));
    foreign
        .fold(Invocation::new("git").dir(folder), |git, name| git.env(name, None))
        .env("GIT_OPTIONAL_LOCKS", Some("0".as_ref()))
        .env("GIT_NO_LAZY_FETCH", Some("1".as_ref()))
        .env("GIT_TERMINAL_PROMPT", Some("0".as_ref()))
        .env("LC_ALL", Some("C".as_ref()))
        .args(["-c", "core.fsmonitor=false", "-c", "core.untrackedCache=false"])
        .args(args.iter().copied())
}
