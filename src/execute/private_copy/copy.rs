//! Copying a folder, entry by entry.

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

/// Copies a folder with all that is in it to a new one.
pub(super) fn copy(from: &Path, to: &Path) -> Result<()> {
    let mut folders = vec![(from.to_owned(), to.to_owned())];
    let mut made: Vec<(PathBuf, Metadata)> = Vec::new();
    while let Some((from, to)) = folders.pop() {
        let meta = make_folder(&from, &to).with_context(|| copying(&from, &to))?;
        made.push((to.clone(), meta));
        for entry in fs::read_dir(&from).with_context(|| format!("reading {}", from.display()))? {
            let entry = entry.with_context(|| format!("reading {}", from.display()))?;
            let (from, to) = (entry.path(), to.join(entry.file_name()));
            let kind = entry.file_type().with_context(|| format!("looking at {}", from.display()))?;
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
    // What is put into a folder changes its time, and its mode may forbid it: the innermost are done first.
    for (folder, meta) in made.iter().rev() {
        File::open(folder)
            .and_then(|file| finish(&file, meta))
            .with_context(|| format!("setting mode and time of {}", folder.display()))?;
    }
    Ok(())
}

fn copying(from: &Path, to: &Path) -> String {
    format!("copying {} to {}", from.display(), to.display())
}

/// Makes an empty folder that only its owner may use so far, and returns how it is to be.
fn make_folder(from: &Path, to: &Path) -> io::Result<Metadata> {
    let meta = fs::symlink_metadata(from)?;
    fs::DirBuilder::new().mode(0o700).create(to)?;
    Ok(meta)
}

fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    // What has become something else since it was listed is neither followed nor waited for.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let mut source = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(from)?;
    let mut copy = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
    copy_content(&mut source, &mut copy)?;
    finish(&copy, &source.metadata()?)
}

/// Gives a copy the mode and the times of what it is a copy of.
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
