//! Artifacts of a job that had no guest: files of the folder that it ran in.

#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "reads what a job left")]

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use rustix::fs::OFlags;

use super::{DISK_BYTES, Filter, MAX_FILES, Manifest, Unpacker};
use crate::quota::Quota;

/// Copies the plain files that globs match into a new folder; links are neither followed nor taken.
///
/// # Errors
/// When there is too much, or a file can't be read or written; what was copied before is removed.
pub fn gather(workspace: &Path, globs: &[String], folder: &Path, quota: &Quota) -> Result<Manifest> {
    let files = find(workspace, &Filter::new(globs)?)?;
    let lens = files.iter().map(|path| fs::symlink_metadata(workspace.join(path)).map(|meta| meta.len()));
    let bytes: u64 = lens.sum::<std::io::Result<_>>().context("looking at the job's artifacts")?;
    if bytes > DISK_BYTES {
        bail!("they are {bytes} bytes, and a job may bring back {DISK_BYTES}");
    }
    Unpacker::fill(MAX_FILES, folder, quota, |unpacker| {
        files.iter().try_for_each(|path| unpacker.add(path, path, &mut open(&workspace.join(path))?))
    })
}

/// Opens what was a plain file when it was found, and has nothing wait if it is one no more.
fn open(path: &Path) -> Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path);
    file.with_context(|| format!("opening {}", path.display()))
}

/// Returns the paths of the files, sorted.
fn find(workspace: &Path, filter: &Filter) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![workspace.to_owned()];
    while let Some(folder) = folders.pop() {
        let reading = || format!("reading {}", folder.display());
        for entry in fs::read_dir(&folder).with_context(reading)? {
            let entry = entry.with_context(reading)?;
            let (path, kind) = (entry.path(), entry.file_type().with_context(reading)?);
            let inner = path.strip_prefix(workspace).unwrap_or(&path);
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() && filter.refusal(inner).is_none() {
                found.push(inner.to_owned());
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::{Quota, gather};

    #[test]
    fn plain_files_that_match_are_brought_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let (workspace, artifacts) = (folder.path().join("workspace"), folder.path().join("artifacts"));
        fs::create_dir_all(workspace.join("build/deep")).unwrap();
        for (name, text) in [("build/a.log", "a"), ("build/deep/b.log", "bb"), ("build/c.txt", "c"), ("d.log", "d")] {
            fs::write(workspace.join(name), text).unwrap();
        }
        fs::write(folder.path().join("secret.log"), "secret").unwrap();
        symlink("../../secret.log", workspace.join("build/link.log")).unwrap();
        symlink("..", workspace.join("build/loop")).unwrap();
        let manifest = gather(&workspace, &["build/**/*.log".to_owned()], &artifacts, &Quota::unlimited()).unwrap();
        let files: Vec<_> = manifest.files.iter().map(|file| (file.path.as_str(), file.len)).collect();
        assert_eq!(files, [("build/a.log", 1), ("build/deep/b.log", 2)]);
        assert_eq!(fs::read_to_string(artifacts.join("build/deep/b.log")).unwrap(), "bb");
        assert!(!artifacts.join("build/link.log").exists() && !artifacts.join("build/c.txt").exists());
    }

    #[test]
    fn more_than_a_job_may_bring_is_refused_before_any_is_copied() {
        let folder = tempfile::tempdir().unwrap();
        let artifacts = folder.path().join("artifacts");
        fs::create_dir(folder.path().join("workspace")).unwrap();
        let huge = fs::File::create(folder.path().join("workspace/huge")).unwrap();
        huge.set_len(super::DISK_BYTES + 1).unwrap();
        let error =
            gather(&folder.path().join("workspace"), &["*".to_owned()], &artifacts, &Quota::unlimited()).unwrap_err();
        assert_eq!(error.to_string(), "they are 1073741825 bytes, and a job may bring back 1073741824");
        assert!(!artifacts.exists());
    }
}
