#![expect(clippy::disallowed_methods, reason = "looks at the source tree and at git's settings")]
//! What proves, without starting git, that git would list the same files again.
//!
//! The names in a folder can't change without the folder's stamps, nor what is tracked without those of git's index,
//! nor what is ignored without those of a `.gitignore`, an exclude file or a configuration file.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use rayon::prelude::*;
use rustix::fs::stat;

use super::folders::{Folders, folders};
use super::git;
use super::list::{join, state_inside};
use super::tree::{EntryKind, FileStat, Tree};

/// A file or folder and its stamps, or that it isn't there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Witness {
    pub(super) path: Vec<u8>,
    pub(super) stat: Option<FileStat>,
}

impl Witness {
    fn new(path: &Path) -> Self {
        Self { path: path.as_os_str().as_bytes().to_vec(), stat: look(path.as_os_str().as_bytes()) }
    }

    /// Returns whether nothing changed since.
    pub(super) fn stands(&self) -> bool {
        look(&self.path) == self.stat
    }
}

fn look(path: &[u8]) -> Option<FileStat> {
    stat(path).ok().map(|stat| FileStat::from(&stat))
}

/// Returns the variables that tell git where its settings are, or what they are.
pub(super) fn environment() -> Vec<u8> {
    let relevant = |name: &OsStr| {
        let bytes = name.as_bytes();
        bytes == b"HOME" || bytes == b"XDG_CONFIG_HOME" || bytes.starts_with(b"GIT_CONFIG_")
    };
    let mut variables: Vec<_> = env::vars_os().filter(|(name, _)| relevant(name)).collect();
    variables.sort();
    let texts = variables.iter().flat_map(|(name, value)| [name.as_bytes(), b"=", value.as_bytes(), b"\0"]);
    texts.collect::<Vec<_>>().concat()
}

/// Gathers all that the listing of a tree depends on; empty where that isn't known: outside git, or with repositories
/// inside the repository.
pub(super) fn gather(tree: &Tree, state_root: &Path) -> Result<Vec<Witness>> {
    if !git::is_repository(tree.root()) {
        return Ok(Vec::new());
    }
    let root = tree.root().canonicalize().context("finding the source tree")?;
    let Some(mut paths) = settings(&root)? else { return Ok(Vec::new()) };
    let listed = tree.entries().iter().filter(|entry| entry.kind != EntryKind::EmptyFolder);
    let listed: Vec<&[u8]> = listed.map(|entry| entry.path.as_slice()).collect();
    let Folders { all, has_repositories, .. } = folders(&root, &listed)?;
    if has_repositories {
        return Ok(Vec::new());
    }
    let state = state_inside(&root, state_root);
    for folder in all.iter().filter(|folder| state.as_ref() != Some(*folder)).map(|folder| join(&root, folder)) {
        paths.push(folder.join(".gitignore"));
        paths.push(folder);
    }
    Ok(paths.par_iter().map(|path| Witness::new(path)).collect())
}

/// Returns the files that git's listing is made from, in the repository and outside; `None` when one can't be found.
fn settings(root: &Path) -> Result<Option<Vec<PathBuf>>> {
    let path = |bytes: &[u8]| root.join(OsStr::from_bytes(bytes));
    let names = ["index", "info/exclude", "config", "config.worktree"];
    let args: Vec<_> =
        ["rev-parse", "--show-toplevel"].into_iter().chain(names.iter().flat_map(|n| ["--git-path", n])).collect();
    let output = git::run(root, &args)?;
    let lines: Vec<_> = output.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(path).collect();
    let [top, files @ ..] = lines.as_slice() else { return Ok(None) };
    let mut paths = files.to_vec();
    // Further up there may be rules too.
    paths.extend(root.ancestors().skip(1).take_while(|folder| folder.starts_with(top)).map(|f| f.join(".gitignore")));
    if let Some(home) = env::var_os("HOME").map(PathBuf::from) {
        let config =
            env::var_os("XDG_CONFIG_HOME").filter(|v| !v.is_empty()).map_or(home.join(".config"), PathBuf::from);
        paths.extend([home.join(".gitconfig"), config.join("git/config"), config.join("git/ignore")]);
    }
    paths.push(PathBuf::from("/etc/gitconfig"));
    if let Some(excludes) = git::line(root, &["config", "--type=path", "--get", "core.excludesFile"])? {
        paths.push(top.join(excludes));
    }
    // Configuration may include files from anywhere.
    let origins = git::run(root, &["config", "--list", "--show-origin", "--name-only", "-z"])?;
    for origin in origins.split(|byte| *byte == 0).filter_map(|field| field.strip_prefix(b"file:")) {
        let file = top.join(OsStr::from_bytes(origin));
        if fs::metadata(&file).is_err() {
            return Ok(None);
        }
        paths.push(file);
    }
    paths.sort();
    paths.dedup();
    Ok(Some(paths))
}
