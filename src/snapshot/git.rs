#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "runs git and looks for .git")]
//! Git, asked without changing anything.

use std::collections::HashSet;
use std::env;
use std::fs;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;

use anyhow::Context as _;

use super::error::Error;

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
    let context = || format!("running git check-ignore in {}", folder.display());
    let mut command = command(folder, &["check-ignore", "-z", "--stdin"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().with_context(context)?;
    let input = child.stdin.take();
    let (written, output) = thread::scope(|scope| {
        // Git answers while it reads: whoever only writes at first may wait for ever.
        let writer = scope.spawn(|| input.map_or(Ok(()), |mut input| input.write_all(&lines.join(&0))));
        let output = child.wait_with_output();
        (writer.join().unwrap_or_else(|panic| resume_unwind(panic)), output)
    });
    let output = output.with_context(context)?;
    // 1 says that none is ignored.
    if !matches!(output.status.code(), Some(0 | 1)) {
        return Err(failure(folder, &["check-ignore"], &output));
    }
    written.with_context(context)?;
    Ok(output.stdout.split(|byte| *byte == 0).filter_map(|line| line.strip_prefix(b"./")).map(<[u8]>::to_vec).collect())
}

fn failure(folder: &Path, args: &[&str], output: &Output) -> Error {
    let message = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if message.contains("dubious ownership") {
        // The repository may be further up; git puts it between quotes.
        let root = message.split('\'').nth(1).map_or(folder.to_owned(), PathBuf::from);
        return Error::Ownership { root };
    }
    Error::Git { command: args.join(" "), root: folder.to_owned(), message }
}

fn attempt(folder: &Path, args: &[&str]) -> Result<Output, Error> {
    match command(folder, args).output() {
        Err(err) if err.kind() == ErrorKind::NotFound && folder.is_dir() => {
            Err(Error::GitMissing { root: folder.to_owned() })
        }
        output => Ok(output.with_context(|| format!("running git in {}", folder.display()))?),
    }
}

/// Returns a git that takes no lock, refreshes no index and starts no daemon: whoever only plans writes nothing.
fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new("git");
    // A hook runs with GIT_DIR and others that are about another repository, or another index, than the folder's.
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("GIT_") && !text.starts_with("GIT_CONFIG_") && text != "GIT_EXEC_PATH" {
            command.env_remove(&name);
        }
    }
    command
        .current_dir(folder)
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("LC_ALL", "C")
        .args(["-c", "core.fsmonitor=false", "-c", "core.untrackedCache=false"])
        .args(args)
        .stdin(Stdio::null())
        .stderr(Stdio::piped());
    command
}
