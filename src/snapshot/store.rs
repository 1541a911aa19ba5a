//! Copies a tree into the state folder.
#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "writes snapshots")]

use std::collections::BTreeSet;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use rayon::prelude::*;
use rustix::io::Errno;

use super::copy_file::{CopySpec, copy_file};
use super::error::Error;
use super::index::Index;
use super::read_entries::open_file;
use super::seal;
use super::tree::{Entry, EntryKind, Tree};
use super::tree_path::join;
use crate::failpoint::{Moment, Point, checkpoint, reach, run_step};
use crate::foreign::Beneath;
use crate::state::{FileLock, StateLayout, TEMPORARY_PREFIX, is_temporary, sync_folder, sync_tree};

/// Copies a tree to its snapshot folder, unless that exists and is unchanged. The snapshot appears as a whole or not at
/// all. A snapshot that was modified is replaced, and none of its files is used again.
///
/// Folders and executable files get mode 0755, other files 0644. Files keep the times that they have in the tree. Files
/// that the snapshot of `index` has with the same content and time become hard links to it.
///
/// # Errors
/// When a file changed since the tree was read, or a file can't be read or written.
pub fn store(tree: &Tree, layout: &StateLayout, index: Option<&Index>) -> Result<(), Error> {
    let target = layout.snapshot(tree.copy_id());
    if seal::is_valid(tree, layout) {
        return Ok(());
    }
    let folder = layout.snapshots();
    let _lock = FileLock::exclusive(Point::SnapshotLock, &layout.snapshots_lock())?;
    if seal::is_valid(tree, layout) {
        return Ok(());
    }
    folder.make_folders().with_context(|| format!("making {}", folder.display()))?;
    remove_leftovers(&folder).with_context(|| format!("removing leftovers from {}", folder.display()))?;
    reach(Point::Snapshot, Moment::Before).map_err(anyhow::Error::from)?;
    let copy = tempfile::Builder::new()
        .prefix(TEMPORARY_PREFIX)
        .permissions(Permissions::from_mode(0o755))
        .tempdir_in(&folder)
        .with_context(|| format!("making a folder in {}", folder.display()))?;
    let root = File::open(tree.root()).with_context(|| format!("opening {}", tree.root().display()))?;
    make_folders(tree, copy.path()).context("making the folders of a snapshot")?;
    let previous = index
        .filter(|index| index.snapshot() != tree.copy_id())
        .filter(|index| seal::is_unchanged(index.snapshot(), &index.paths(), layout))
        .map(|index| Previous { index, folder: layout.snapshot(index.snapshot()).to_path_buf() });
    tree.entries().par_iter().try_for_each(|entry| store_entry(&root, entry, copy.path(), previous.as_ref()))?;
    if target.is_there() {
        run_step(Point::SnapshotDiscard, || fs::remove_dir_all(&target))
            .with_context(|| format!("removing {}, which was modified", target.display()))?;
    }
    seal::write(tree, copy.path(), layout)?;
    publish(copy, &target).with_context(|| format!("completing snapshot {}", tree.copy_id()))?;
    Ok(())
}

/// The last snapshot of the tree, whose files can be shared.
struct Previous<'a> {
    index: &'a Index,
    folder: PathBuf,
}

/// Removes the unfinished copies of processes that were killed. The caller holds the lock, so no copy is in use.
fn remove_leftovers(folder: &Beneath) -> io::Result<()> {
    for entry in folder.entries()? {
        if is_temporary(&entry.name) {
            fs::remove_dir_all(folder.join(&entry.name))?;
        }
    }
    Ok(())
}

fn make_folders(tree: &Tree, copy: &Path) -> io::Result<()> {
    let parents = |entry: &Entry| {
        let path = entry.path();
        let own = matches!(entry.kind, EntryKind::EmptyFolder).then(|| path.to_owned());
        own.into_iter().chain(path.ancestors().skip(1).map(Path::to_path_buf)).collect::<Vec<_>>()
    };
    let folders: BTreeSet<PathBuf> = tree.entries().iter().flat_map(parents).collect();
    for folder in folders.iter().filter(|folder| !folder.as_os_str().is_empty()) {
        let folder = copy.join(folder);
        fs::create_dir(&folder)?;
        fs::set_permissions(&folder, Permissions::from_mode(0o755))?;
    }
    // The umask changed the mode that the folder was made with.
    fs::set_permissions(copy, Permissions::from_mode(0o755))
}

fn store_entry(root: &File, entry: &Entry, copy: &Path, previous: Option<&Previous<'_>>) -> Result<(), Error> {
    let to = join(copy, &entry.path);
    match &entry.kind {
        EntryKind::EmptyFolder => {}
        EntryKind::Symlink { target } => {
            symlink(join(Path::new(""), target), &to).with_context(|| format!("making link {}", to.display()))?;
        }
        EntryKind::File { executable, content, stat } => {
            let link = |previous: &Previous<'_>| {
                previous.index.has_file(&entry.path, *executable, content, stat.mtime_ns)
                    && fs::hard_link(join(&previous.folder, &entry.path), &to).is_ok()
            };
            if !previous.is_some_and(link) {
                let spec = CopySpec { executable: *executable, content, mtime_ns: stat.mtime_ns };
                store_file(root, entry, &to, &spec)?;
            }
        }
    }
    Ok(checkpoint(Point::StoredEntry).map_err(anyhow::Error::from)?)
}

fn store_file(root: &File, entry: &Entry, to: &Path, spec: &CopySpec<'_>) -> Result<(), Error> {
    let source = open_file(root, &entry.path).map_err(|errno| Error::read(&entry.path, errno))?;
    match copy_file(source.into(), to, spec) {
        Ok(true) => Ok(()),
        Ok(false) => Err(Error::changing(&entry.path)),
        Err(err) => match Errno::from_io_error(&err) {
            Some(errno @ (Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::ACCESS)) => {
                Err(Error::read(&entry.path, errno))
            }
            _ => {
                Err(anyhow::Error::new(err).context(format!("copying {} to {}", entry.path().display(), to.display())))?
            }
        },
    }
}

/// Renames a complete copy to its final name after syncing it, so that the snapshot is complete even after a power loss.
fn publish(copy: tempfile::TempDir, target: &Beneath) -> Result<()> {
    sync_tree(copy.path())?;
    reach(Point::Snapshot, Moment::Synced)?;
    fs::rename(copy.path(), target).context("renaming")?;
    let _kept = copy.keep();
    reach(Point::Snapshot, Moment::Renamed)?;
    sync_folder(&target.parent().context("the snapshot has no parent folder")?)?;
    Ok(reach(Point::Snapshot, Moment::After)?)
}
