//! Reads what a job gets of the source tree's repository.
#![expect(clippy::disallowed_methods, reason = "changes a copy of the index")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::time::SystemTime;

use anyhow::Context as _;

use super::error::Error;
use super::file_selection::FileSelection;
use super::git;
use super::git_folders::GitFolders;
use super::git_paths::split_listing;
use super::guest_repository::GuestRepository;
use crate::config::SnapshotGlobs;
use crate::foreign::Beneath;

/// The longest text that is read, in bytes.
const TEXT_LIMIT: u64 = 16 << 20;
/// The longest index that is read, in bytes: enough for millions of files.
const INDEX_LIMIT: u64 = 1 << 30;

/// Settings that decide how git compares files, with their values. All of them are safe in any combination.
const SETTINGS: [(&str, &[&str]); 6] = [
    ("core.autocrlf", &["true", "false", "input"]),
    ("core.eol", &["lf", "crlf", "native"]),
    ("core.filemode", &["true", "false"]),
    ("core.ignorecase", &["true", "false"]),
    ("core.precomposeunicode", &["true", "false"]),
    ("core.symlinks", &["true", "false"]),
];

/// Settings with which the copy of an index works at another place: its inodes, users and caches are the host's.
const FIXED_SETTINGS: &str =
    "\tbare = false\n\ttrustctime = false\n\tcheckstat = minimal\n\tuntrackedcache = false\n\tfsmonitor = false\n";

/// Reads the repository of a source tree, for the jobs with `git = true`. Git runs no program, and fetches nothing. The
/// index expects no file that the globs leave out of snapshots.
///
/// # Errors
/// When the tree isn't the top of a complete repository, or git fails.
pub fn read_repository(source_root: &Path, globs: &SnapshotGlobs) -> Result<GuestRepository, Error> {
    let folders = GitFolders::locate(source_root)?;
    let refuse = |reason: &str, hint: &str| Error::no_guest_git(source_root, reason, hint);
    let promisor = r"^(extensions\.partialclone|remote\..*\.promisor)$";
    if git::line(source_root, &["config", "--get-regexp", promisor])?.is_some() {
        let hint = "clone it without --filter, or: git fetch --refetch --no-filter, and remove its promisor setting";
        return Err(refuse("it is a partial clone, whose missing objects a job can't fetch", hint));
    }
    if git::line(source_root, &["rev-parse", "--shared-index-path"])?.is_some_and(|path| !path.is_empty()) {
        return Err(refuse("its index is split", "git update-index --no-split-index"));
    }
    let mut files = BTreeMap::from([
        ("HEAD", head(source_root)?.into_bytes()),
        ("config", config(source_root)?.into_bytes()),
        ("packed-refs", packed_refs(source_root)?),
    ]);
    for name in ["shallow", "info/exclude", "info/attributes"] {
        files.extend(read(&folders.common.join(name))?.map(|text| (name, text)));
    }
    let mut index = read_index(&folders.own.join("index"))?;
    let mut staged = git::run(source_root, &["ls-files", "--stage", "-t", "-z"])?;
    let excluded = excluded_paths(source_root, globs)?;
    if let Some((bytes, _)) = index.as_mut().filter(|_| !excluded.is_empty()) {
        *bytes = without_paths(source_root, bytes, &excluded)?;
        staged.extend(excluded.join(&0));
    }
    Ok(GuestRepository { files, index, staged, objects: folders.objects })
}

/// Returns the tracked paths that snapshots leave out.
fn excluded_paths(root: &Path, globs: &SnapshotGlobs) -> Result<Vec<Vec<u8>>, Error> {
    let Some(selection) = FileSelection::compile(globs)? else { return Ok(Vec::new()) };
    let listed = git::run(root, &["ls-files", "--cached", "-z"])?;
    Ok(split_listing(&listed)?.into_iter().filter(|path| selection.excludes(path)).map(<[u8]>::to_vec).collect())
}

/// Returns an index that doesn't expect some paths in the working tree.
fn without_paths(root: &Path, index: &[u8], paths: &[Vec<u8>]) -> Result<Vec<u8>, Error> {
    let folder = tempfile::tempdir().context("making a folder for an index")?;
    let copy = Beneath::new(folder.path()).join("index");
    fs::write(&*copy, index).context("writing the copy of an index")?;
    git::skip_paths(root, &copy, paths)?;
    Ok(copy.read(INDEX_LIMIT).context("reading the copy of an index")?)
}

/// Returns the text of HEAD: a branch, or a commit.
fn head(root: &Path) -> Result<String, Error> {
    match git::result_line(root, &["symbolic-ref", "--quiet", "HEAD"])? {
        Some(branch) => Ok(format!("ref: {branch}\n")),
        None => Ok(String::from_utf8_lossy(&git::run(root, &["rev-parse", "--verify", "HEAD"])?).into_owned()),
    }
}

/// Returns the branches and tags, in the format of git's packed-refs.
fn packed_refs(root: &Path) -> Result<Vec<u8>, Error> {
    git::run(root, &["for-each-ref", "--format=%(objectname) %(refname)", "refs/heads", "refs/tags"])
}

/// Returns the settings of the repository of a job.
fn config(root: &Path) -> Result<String, Error> {
    let format = git::line(root, &["rev-parse", "--show-object-format"])?.unwrap_or_default();
    let version = u8::from(format == "sha256");
    let mut text = format!("[core]\n\trepositoryformatversion = {version}\n{FIXED_SETTINGS}");
    let output = git::run(root, &["config", "--list", "-z"])?;
    let mut chosen: BTreeMap<&str, &str> = BTreeMap::new();
    for setting in output.split(|byte| *byte == 0).filter_map(|setting| std::str::from_utf8(setting).ok()) {
        let Some((name, value)) = setting.split_once('\n') else { continue };
        // The last value counts.
        if let Some((name, values)) = SETTINGS.iter().find(|(allowed, _)| *allowed == name) {
            chosen.extend(values.iter().find(|allowed| **allowed == value).map(|value| (*name, *value)));
        }
    }
    for (name, value) in chosen {
        let key = name.trim_start_matches("core.");
        writeln!(text, "\t{key} = {value}").expect("a string has room");
    }
    if version == 1 {
        text.push_str("[extensions]\n\tobjectformat = sha256\n");
    }
    // The patterns of a sparse checkout don't come along, and git would print advice about its index.
    text.push_str("[advice]\n\tsparseindexexpanded = false\n");
    Ok(text)
}

fn read(file: &Beneath) -> Result<Option<Vec<u8>>, Error> {
    if !file.is_there() {
        return Ok(None);
    }
    file.read(TEXT_LIMIT).map(Some).map_err(|source| Error::Read { path: file.to_path_buf(), source })
}

/// Reads an index, which a repository without a commit may not have, with the time of its last change.
fn read_index(file: &Beneath) -> Result<Option<(Vec<u8>, SystemTime)>, Error> {
    if !file.is_there() {
        return Ok(None);
    }
    let read = || {
        let opened = file.open()?;
        let modified = opened.metadata()?.modified()?;
        let mut bytes = Vec::new();
        opened.take(INDEX_LIMIT).read_to_end(&mut bytes)?;
        Ok((bytes, modified))
    };
    read().map(Some).map_err(|source| Error::Read { path: file.to_path_buf(), source })
}
