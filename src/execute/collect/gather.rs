//! Artifacts of a job that had no guest: files of the folder that it ran in.

#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "reads what a job left")]

use std::collections::HashMap;
use std::fs::{self, File, FileType, Metadata, OpenOptions};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use rustix::fs::OFlags;

use super::filter::Filter;
use super::limits::{DISK_BYTES, MAX_DEPTH, MAX_FILES, MAX_NAMES, is_executable};
use super::unpacker::Unpacker;
use crate::guest::{LeftOut, artifacts};
use crate::quota::Quota;
use crate::record::{LeftOutFiles, Manifest};

/// The length of a header in a tar, and the unit of a file's content there, in bytes.
const TAR_BLOCK: u64 = 512;

/// Copies the files that globs match into a new folder, through a link too, in the order of their paths and as far as
/// there is room, as the agent of a guest does; names those that it leaves out.
///
/// # Errors
/// When a file can't be read or written; what was copied before is removed.
pub fn gather(workspace: &Path, globs: &[String], folder: &Path, quota: &Quota) -> Result<Manifest> {
    let paths = find(workspace, globs, &Filter::new(globs)?)?;
    let mut choice = Choice::default();
    let mut left_out = LeftOutFiles::default();
    let mut manifest = Unpacker::fill(MAX_FILES, folder, quota, |unpacker| {
        for path in &paths {
            match choice.take(path, &workspace.join(path)) {
                Ok(Chosen::New(mut file, executable)) => unpacker.add(path, executable, &mut file)?,
                Ok(Chosen::Again(first)) => unpacker.link(path, first)?,
                Err(reason) => left_out.add(path.to_string_lossy().into_owned(), reason.text()),
            }
        }
        Ok(())
    })?;
    manifest.left_out = left_out;
    Ok(manifest)
}

/// A file that comes.
enum Chosen<'a> {
    /// Its content, and whether its owner may execute it.
    New(File, bool),
    /// The path of a file that came before and is the same one.
    Again(&'a Path),
}

/// The files that are chosen so far.
#[derive(Default)]
struct Choice<'a> {
    count: u64,
    names: u64,
    bytes: u64,
    /// The first path of each file that has several, by device and inode.
    first: HashMap<(u64, u64), &'a Path>,
}

impl<'a> Choice<'a> {
    /// Chooses a file that can be read and has room.
    fn take(&mut self, path: &'a Path, place: &Path) -> Result<Chosen<'a>, LeftOut> {
        let (file, meta) = open(place)?;
        let name = path.as_os_str().len() as u64;
        let first = self.first.get(&(meta.dev(), meta.ino())).copied();
        let content = if first.is_some() { 0 } else { meta.len().next_multiple_of(TAR_BLOCK) };
        let bytes = TAR_BLOCK + content;
        if path.components().count() > MAX_DEPTH {
            return Err(LeftOut::Deep);
        }
        if self.count == MAX_FILES || self.names + name > MAX_NAMES {
            return Err(LeftOut::Many);
        }
        if self.bytes + bytes > DISK_BYTES {
            return Err(LeftOut::Large);
        }
        (self.count, self.names, self.bytes) = (self.count + 1, self.names + name, self.bytes + bytes);
        if meta.nlink() > 1 {
            self.first.entry((meta.dev(), meta.ino())).or_insert(path);
        }
        Ok(first.map_or(Chosen::New(file, is_executable(meta.mode())), Chosen::Again))
    }
}

/// Opens a file, or what a link leads to, and has nothing wait if that is no file.
fn open(path: &Path) -> Result<(File, Metadata), LeftOut> {
    let Ok(meta) = fs::metadata(path) else { return Err(LeftOut::Link) };
    if !meta.is_file() {
        return Err(if meta.is_dir() { LeftOut::Link } else { LeftOut::Special });
    }
    let file = OpenOptions::new().read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(path);
    file.map(|file| (file, meta)).map_err(|_| LeftOut::Unreadable)
}

/// Returns the paths that globs match, but for folders, sorted. A glob may begin with a linked folder; below, no
/// link is followed.
fn find(workspace: &Path, globs: &[String], filter: &Filter) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = Vec::new();
    let mut sort = |path: PathBuf, kind: FileType, folders: &mut Vec<PathBuf>| {
        let inner = path.strip_prefix(workspace).unwrap_or(&path).to_owned();
        if kind.is_dir() {
            folders.push(path);
        } else if filter.refusal(&inner).is_none() {
            found.push(inner);
        }
    };
    let artifacts::Roots { outer, inner } = artifacts::roots(globs);
    let resolved = workspace.canonicalize().with_context(|| format!("finding {}", workspace.display()))?;
    let is_linked = |root: &String| workspace.join(root).canonicalize().is_ok_and(|place| place != resolved.join(root));
    for root in outer.into_iter().chain(inner.into_iter().filter(is_linked)) {
        let root = workspace.join(root);
        // Where nothing is, nothing matches.
        if let Ok(meta) = fs::metadata(&root).or_else(|_| fs::symlink_metadata(&root)) {
            sort(root, meta.file_type(), &mut folders);
        }
    }
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries {
            let entry = entry.with_context(|| format!("reading {}", folder.display()))?;
            let kind = entry.file_type().with_context(|| format!("looking at {}", entry.path().display()))?;
            sort(entry.path(), kind, &mut folders);
        }
    }
    found.sort();
    found.dedup();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::{Quota, gather};

    #[test]
    fn files_that_match_are_brought_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let (workspace, artifacts) = (folder.path().join("workspace"), folder.path().join("artifacts"));
        fs::create_dir_all(workspace.join("build/deep")).unwrap();
        for (name, text) in [("build/a.log", "a"), ("build/deep/b.log", "bb"), ("build/c.txt", "c"), ("d.log", "d")] {
            fs::write(workspace.join(name), text).unwrap();
        }
        symlink("c.txt", workspace.join("build/link.log")).unwrap();
        symlink("..", workspace.join("build/loop.log")).unwrap();
        let manifest = gather(&workspace, &["build/**/*.log".to_owned()], &artifacts, &Quota::unlimited()).unwrap();
        let files: Vec<_> = manifest.files.iter().map(|file| (file.path.as_str(), file.len)).collect();
        assert_eq!(files, [("build/a.log", 1), ("build/deep/b.log", 2), ("build/link.log", 1)]);
        assert_eq!(fs::read_to_string(artifacts.join("build/deep/b.log")).unwrap(), "bb");
        assert!(!artifacts.join("build/c.txt").exists());
        let left_out = "artifacts were left out: \"build/loop.log\" is a link, and leads to no file";
        assert_eq!(manifest.left_out.message().unwrap(), left_out);
    }

    #[test]
    fn a_file_that_is_too_large_takes_nothing_from_others() {
        let folder = tempfile::tempdir().unwrap();
        let (workspace, artifacts) = (folder.path().join("workspace"), folder.path().join("artifacts"));
        fs::create_dir(&workspace).unwrap();
        fs::File::create(workspace.join("huge")).unwrap().set_len(super::super::limits::DISK_BYTES).unwrap();
        fs::write(workspace.join("small"), "1").unwrap();
        let manifest = gather(&workspace, &["*".to_owned()], &artifacts, &Quota::unlimited()).unwrap();
        assert_eq!(manifest.files.len(), 1);
        assert_eq!(
            manifest.warnings(&["*".to_owned(), "hug".to_owned()]),
            [
                "artifacts were left out: \"huge\" doesn't fit into the 1 GiB that a job may bring back",
                "no file matches the artifacts `hug`",
            ]
        );
        assert!(artifacts.join("small").exists() && !artifacts.join("huge").exists());
    }
}
