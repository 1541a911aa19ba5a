//! Gathers the artifacts of a job without a guest from its workspace.

#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "reads the files of a job")]

use std::collections::{BTreeSet, HashMap};
use std::fs::{self, File, FileType, Metadata, OpenOptions};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use rustix::fs::OFlags;

use super::artifact_filter::ArtifactFilter;
use super::limits::{MAX_NAMES, is_executable};
use super::unpacker::Unpacker;
use crate::guest::contract::{MAX_ARTIFACT_DEPTH, MAX_ARTIFACTS};
use crate::guest::{LeftOutReason, SearchRoots, search_roots};
use crate::quota::Quota;
use crate::record::{LeftOutFiles, Manifest};

/// Length of a header in a tar and unit of a file's content there, in bytes.
const TAR_BLOCK: u64 = 512;
/// Size of a link in a tar at most, in bytes, as the agent counts it.
const TAR_LINK: u64 = 8192;

/// Copies the files that globs match into a new folder, as the agent of a guest does: in the order of their paths,
/// and within the limits of a guest's artifact disk of `mib` MiB. The manifest names the files that
/// were left out.
///
/// # Errors
/// When a file can't be read or written. The new folder is removed then.
pub fn gather_artifacts(
    workspace: &Path,
    globs: &[String],
    folder: &Path,
    mib: u64,
    quota: &Quota,
) -> Result<Manifest> {
    let paths = matching_paths(workspace, globs, &ArtifactFilter::new(globs)?)?;
    let mut limiter = Limiter { limit: mib << 20, ..Limiter::default() };
    let mut left_out = LeftOutFiles::default();
    let SearchRoots { outer, inner } = search_roots(globs);
    let named: BTreeSet<&Path> = outer.iter().chain(&inner).map(Path::new).collect();
    let mut manifest = Unpacker::fill(MAX_ARTIFACTS, folder, quota, |unpacker| {
        for path in &paths {
            let full_path = workspace.join(path);
            // A glob that names a link itself means what the link leads to.
            if let Some(target) = fs::read_link(&full_path).ok().filter(|_| !named.contains(path.as_path())) {
                match limiter.count(path, TAR_LINK) {
                    Ok(()) => unpacker.add_link(path, &target)?,
                    Err(reason) => left_out.add(path.to_string_lossy().into_owned(), reason.text()),
                }
                continue;
            }
            match limiter.open(path, &full_path) {
                Ok(Content::New(mut file, executable)) => unpacker.add(path, executable, &mut file)?,
                Ok(Content::LinkTo(first)) => unpacker.link(path, first)?,
                Err(reason) => left_out.add(path.to_string_lossy().into_owned(), reason.text()),
            }
        }
        Ok(())
    })?;
    manifest.left_out = left_out;
    Ok(manifest)
}

/// Content of an artifact.
enum Content<'a> {
    /// The open file, and true if its owner may execute it.
    New(File, bool),
    /// Path of an earlier artifact that is the same file.
    LinkTo(&'a Path),
}

/// Counts artifacts against the limits of a guest's artifact disk.
#[derive(Default)]
struct Limiter<'a> {
    /// Size of the disk, in bytes.
    limit: u64,
    count: u64,
    names: u64,
    bytes: u64,
    /// The first path of each file with several names, by device and inode.
    first: HashMap<(u64, u64), &'a Path>,
}

impl<'a> Limiter<'a> {
    /// Opens a file and counts it; `path` is relative to the workspace.
    fn open(&mut self, path: &'a Path, full_path: &Path) -> Result<Content<'a>, LeftOutReason> {
        let (file, meta) = open_regular(full_path)?;
        let first = self.first.get(&(meta.dev(), meta.ino())).copied();
        let content = if first.is_some() { 0 } else { meta.len().next_multiple_of(TAR_BLOCK) };
        self.count(path, TAR_BLOCK + content)?;
        if meta.nlink() > 1 {
            self.first.entry((meta.dev(), meta.ino())).or_insert(path);
        }
        Ok(first.map_or(Content::New(file, is_executable(meta.mode())), Content::LinkTo))
    }

    /// Counts a file that takes these bytes.
    fn count(&mut self, path: &Path, bytes: u64) -> Result<(), LeftOutReason> {
        let name = path.as_os_str().len() as u64;
        if path.components().count() > MAX_ARTIFACT_DEPTH {
            return Err(LeftOutReason::Deep);
        }
        if self.count == MAX_ARTIFACTS || self.names + name > MAX_NAMES {
            return Err(LeftOutReason::Many);
        }
        if self.bytes + bytes > self.limit {
            return Err(LeftOutReason::Large);
        }
        (self.count, self.names, self.bytes) = (self.count + 1, self.names + name, self.bytes + bytes);
        Ok(())
    }
}

/// Opens a regular file, by way of a symbolic link too. Doesn't block on a FIFO.
fn open_regular(path: &Path) -> Result<(File, Metadata), LeftOutReason> {
    let Ok(meta) = fs::metadata(path) else { return Err(LeftOutReason::Link) };
    if !meta.is_file() {
        return Err(if meta.is_dir() { LeftOutReason::Link } else { LeftOutReason::Special });
    }
    let file = OpenOptions::new().read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(path);
    file.map(|file| (file, meta)).map_err(|_| LeftOutReason::Unreadable)
}

/// Returns the sorted paths that globs match, without folders. The first folder of a glob may be a symbolic link; other
/// links aren't followed.
fn matching_paths(workspace: &Path, globs: &[String], filter: &ArtifactFilter) -> Result<Vec<PathBuf>> {
    let mut matches = Vec::new();
    let mut folders = Vec::new();
    let mut add = |path: PathBuf, kind: FileType, folders: &mut Vec<PathBuf>| {
        let inner = path.strip_prefix(workspace).unwrap_or(&path).to_owned();
        if kind.is_dir() {
            folders.push(path);
        } else if filter.refusal(&inner).is_none() {
            matches.push(inner);
        }
    };
    let SearchRoots { outer, inner } = search_roots(globs);
    let resolved = workspace.canonicalize().with_context(|| format!("resolving {}", workspace.display()))?;
    let is_linked = |root: &String| workspace.join(root).canonicalize().is_ok_and(|path| path != resolved.join(root));
    for root in outer.into_iter().chain(inner.into_iter().filter(is_linked)) {
        let root = workspace.join(root);
        // A missing root has no matches.
        if let Ok(meta) = fs::metadata(&root).or_else(|_| fs::symlink_metadata(&root)) {
            add(root, meta.file_type(), &mut folders);
        }
    }
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries {
            let entry = entry.with_context(|| format!("reading {}", folder.display()))?;
            let kind = entry.file_type().with_context(|| format!("reading the type of {}", entry.path().display()))?;
            add(entry.path(), kind, &mut folders);
        }
    }
    matches.sort();
    matches.dedup();
    Ok(matches)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::{Quota, gather_artifacts};

    /// Size of the artifacts, in MiB.
    const MIB: u64 = 1024;

    #[test]
    fn only_matching_files_are_copied() {
        let folder = tempfile::tempdir().unwrap();
        let (workspace, artifacts) = (folder.path().join("workspace"), folder.path().join("artifacts"));
        fs::create_dir_all(workspace.join("build/deep")).unwrap();
        for (name, text) in [("build/a.log", "a"), ("build/deep/b.log", "bb"), ("build/c.txt", "c"), ("d.log", "d")] {
            fs::write(workspace.join(name), text).unwrap();
        }
        symlink("c.txt", workspace.join("build/link.log")).unwrap();
        symlink("..", workspace.join("build/loop.log")).unwrap();
        symlink("deep/b.log", workspace.join("build/new.log")).unwrap();
        let manifest =
            gather_artifacts(&workspace, &["build/**/*.log".to_owned()], &artifacts, MIB, &Quota::unlimited()).unwrap();
        let files: Vec<_> = manifest.files.iter().map(|file| (file.path.as_str(), file.len)).collect();
        assert_eq!(files, [("build/a.log", 1), ("build/deep/b.log", 2)]);
        let links: Vec<_> = manifest.links.iter().map(|link| (link.path.as_str(), link.kept)).collect();
        assert_eq!(links, [("build/link.log", false), ("build/loop.log", false), ("build/new.log", true)]);
        assert_eq!(fs::read_link(artifacts.join("build/new.log")).unwrap().to_str(), Some("deep/b.log"));
        assert_eq!(fs::read_to_string(artifacts.join("build/deep/b.log")).unwrap(), "bb");
        assert!(!artifacts.join("build/c.txt").exists());
        assert_eq!(manifest.left_out.message(), None);
    }

    #[test]
    fn a_file_that_is_too_large_leaves_room_for_others() {
        let folder = tempfile::tempdir().unwrap();
        let (workspace, artifacts) = (folder.path().join("workspace"), folder.path().join("artifacts"));
        fs::create_dir(&workspace).unwrap();
        fs::File::create(workspace.join("huge")).unwrap().set_len(1 << 30).unwrap();
        fs::write(workspace.join("small"), "1").unwrap();
        let manifest = gather_artifacts(&workspace, &["*".to_owned()], &artifacts, MIB, &Quota::unlimited()).unwrap();
        assert_eq!(manifest.files.len(), 1);
        assert_eq!(
            manifest.messages(&["*".to_owned(), "hug".to_owned()]),
            [
                "artifacts were left out: \"huge\" doesn't fit into the `size` of the artifacts",
                "no file matches the artifacts `hug`",
            ]
        );
        assert!(artifacts.join("small").exists() && !artifacts.join("huge").exists());
    }
}
