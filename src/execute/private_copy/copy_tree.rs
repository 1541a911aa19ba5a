//! Copies a folder, entry by entry.

#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "copies files")]

use std::fs::{self, File, FileTimes, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use rustix::fs::{AtFlags, CWD, OFlags, Timespec, Timestamps, utimensat};

use crate::snapshot::copy_content;

/// The bits of a mode that a copy keeps.
const PERMISSIONS: u32 = 0o777;

/// Copies a folder with all its entries to a new one.
pub(super) fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    let mut folders = vec![(from.to_owned(), to.to_owned())];
    let mut created: Vec<(PathBuf, Metadata)> = Vec::new();
    while let Some((from, to)) = folders.pop() {
        let meta = make_folder(&from, &to).with_context(|| copying(&from, &to))?;
        created.push((to.clone(), meta));
        for entry in fs::read_dir(&from).with_context(|| format!("reading {}", from.display()))? {
            let entry = entry.with_context(|| format!("reading {}", from.display()))?;
            let (from, to) = (entry.path(), to.join(entry.file_name()));
            let kind = entry.file_type().with_context(|| format!("reading the type of {}", from.display()))?;
            if kind.is_dir() {
                folders.push((from, to));
            } else if kind.is_symlink() {
                copy_link(&from, &to).with_context(|| copying(&from, &to))?;
            } else if kind.is_file() {
                copy_file(&from, &to).with_context(|| copying(&from, &to))?;
            } else {
                bail!("{} is neither file, folder nor symbolic link", from.display());
            }
        }
    }
    // A new entry changes the time of its folder, and the final mode may forbid new entries: so that folders come last,
    // the innermost ones first.
    for (folder, meta) in created.iter().rev() {
        File::open(folder)
            .and_then(|file| finish(&file, meta))
            .with_context(|| format!("setting mode and time of {}", folder.display()))?;
    }
    Ok(())
}

fn copying(from: &Path, to: &Path) -> String {
    format!("copying {} to {}", from.display(), to.display())
}

/// Creates an empty folder that only its owner may use for now, and returns the metadata of the original.
fn make_folder(from: &Path, to: &Path) -> io::Result<Metadata> {
    let meta = fs::symlink_metadata(from)?;
    fs::DirBuilder::new().mode(0o700).create(to)?;
    Ok(meta)
}

fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    // The entry may have been replaced since it was listed: a link isn't followed, and a FIFO doesn't block.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let mut source = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(from)?;
    let mut copy = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
    copy_content(&mut source, &mut copy)?;
    finish(&copy, &source.metadata()?)
}

/// Sets mode and times of a copy to those of the original.
fn finish(copy: &File, meta: &Metadata) -> io::Result<()> {
    copy.set_permissions(Permissions::from_mode(meta.mode() & PERMISSIONS))?;
    copy.set_times(FileTimes::new().set_accessed(meta.accessed()?).set_modified(meta.modified()?))
}

fn copy_link(from: &Path, to: &Path) -> io::Result<()> {
    symlink(fs::read_link(from)?, to)?;
    let meta = fs::symlink_metadata(from)?;
    let time = |tv_sec: i64, tv_nsec: i64| Timespec { tv_sec, tv_nsec };
    let times = Timestamps {
        last_access: time(meta.atime(), meta.atime_nsec()),
        last_modification: time(meta.mtime(), meta.mtime_nsec()),
    };
    Ok(utimensat(CWD, to, &times, AtFlags::SYMLINK_NOFOLLOW)?)
}
