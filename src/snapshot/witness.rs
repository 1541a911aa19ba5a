//! Shows, without starting git, that git would list the same files again.
//!
//! Every change of the listing changes the times of a file or a folder: a new name those of its folder, a newly tracked
//! file those of git's index, a new ignore rule those of a `.gitignore`, an exclude file or a configuration file.
#![expect(clippy::disallowed_methods, reason = "inspects the source tree and git's settings")]

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use rayon::prelude::*;
use rustix::fs::stat;

use super::file_stat::FileStat;
use super::folders::{Folders, list_folders};
use super::git;
use super::repository::is_in_repository;
use super::tree::{EntryKind, Tree};
use super::tree_path::{join, state_folder_path};

/// A file or folder with its metadata; without metadata if the path doesn't exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Witness {
    pub(super) path: Vec<u8>,
    pub(super) stat: Option<FileStat>,
}

impl Witness {
    fn new(path: &Path) -> Self {
        Self { path: path.as_os_str().as_bytes().to_vec(), stat: file_stat(path.as_os_str().as_bytes()) }
    }

    /// Returns whether the metadata is still the same.
    pub(super) fn is_unchanged(&self) -> bool {
        file_stat(&self.path) == self.stat
    }
}

fn file_stat(path: &[u8]) -> Option<FileStat> {
    stat(path).ok().map(|stat| FileStat::from(&stat))
}

/// Returns the environment variables that hold git's settings or lead to them, with their values.
pub(super) fn git_environment() -> Vec<u8> {
    let relevant = |name: &OsStr| {
        let bytes = name.as_bytes();
        bytes == b"HOME" || bytes == b"XDG_CONFIG_HOME" || bytes.starts_with(b"GIT_CONFIG_")
    };
    let mut variables: Vec<_> = env::vars_os().filter(|(name, _)| relevant(name)).collect();
    variables.sort();
    let texts = variables.iter().flat_map(|(name, value)| [name.as_bytes(), b"=", value.as_bytes(), b"\0"]);
    texts.collect::<Vec<_>>().concat()
}

/// Collects the files and folders that the listing of a tree depends on. Returns none outside git and for a repository
/// with nested repositories, because their listings depend on more.
pub(super) fn collect(tree: &Tree, state_root: &Path) -> Result<Vec<Witness>> {
    if !is_in_repository(tree.root()) {
        return Ok(Vec::new());
    }
    let root = tree.root().canonicalize().context("resolving the path of the source tree")?;
    let Some(mut paths) = settings(&root)? else { return Ok(Vec::new()) };
    let listed = tree.entries().iter().filter(|entry| entry.kind != EntryKind::EmptyFolder);
    let listed: Vec<&[u8]> = listed.map(|entry| entry.path.as_slice()).collect();
    let Folders { all, has_repositories, .. } = list_folders(&root, &listed)?;
    if has_repositories {
        return Ok(Vec::new());
    }
    let state = state_folder_path(&root, state_root);
    for folder in all.iter().filter(|folder| state.as_ref() != Some(*folder)).map(|folder| join(&root, folder)) {
        paths.push(folder.join(".gitignore"));
        paths.push(folder);
    }
    Ok(paths.par_iter().map(|path| Witness::new(path)).collect())
}

/// Returns the paths of git's index, settings and ignore rules, in the repository and outside; `None` when git prints no
/// top folder or an included settings file can't be read.
fn settings(root: &Path) -> Result<Option<Vec<PathBuf>>> {
    let path = |bytes: &[u8]| root.join(OsStr::from_bytes(bytes));
    let names = ["index", "info/exclude", "config", "config.worktree"];
    let args: Vec<_> =
        ["rev-parse", "--show-toplevel"].into_iter().chain(names.iter().flat_map(|n| ["--git-path", n])).collect();
    let output = git::run(root, &args)?;
    let lines: Vec<_> = output.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(path).collect();
    let [top, files @ ..] = lines.as_slice() else { return Ok(None) };
    let mut paths = files.to_vec();
    // The folders above the tree may have ignore rules too.
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
    // The configuration may include any other file.
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
