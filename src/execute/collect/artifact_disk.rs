//! The disk for a guest's artifacts: tars, which a hostile guest may have written.

#![expect(clippy::disallowed_types, reason = "reads a guest's disk")]

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use tar::EntryType;

use super::artifact_filter::ArtifactFilter;
use super::limits::{MAX_NAME, is_executable};
use super::unpacker::Unpacker;
use crate::execute::writable_disk::WritableDisk;
use crate::guest::contract::{MAX_ARTIFACT_DEPTH, MAX_ARTIFACTS};
use crate::quota::Quota;
use crate::record::{LeftOutFiles, Manifest};

/// The disk to which a guest writes its artifacts.
#[derive(Debug)]
pub struct ArtifactDisk(WritableDisk);

impl ArtifactDisk {
    /// Creates the empty disk with a size in MiB.
    ///
    /// # Errors
    /// When the disk can't be created.
    pub fn make(path: &Path, mib: u64, quota: &Quota) -> Result<Self> {
        WritableDisk::make(path, mib << 20, [], quota).map(Self)
    }

    /// Returns the disk as one that the guest writes to.
    #[must_use]
    pub fn writable(&self) -> &WritableDisk {
        &self.0
    }

    /// Unpacks the first `count` regular files and links of the tars on the disk, with their parent folders, into
    /// a new folder. Leaves out files that no glob of the job matches.
    ///
    /// # Errors
    /// When a tar is invalid, has an entry of another kind or with an unsafe path, or exceeds the run's quota. The
    /// folder is removed then.
    pub fn unpack(&self, count: u64, globs: &[String], folder: &Path) -> Result<(Manifest, LeftOutFiles)> {
        if count == 0 {
            return Ok((Manifest::new(Vec::new()), LeftOutFiles::default()));
        }
        unpack_at_most(MAX_ARTIFACTS, self.0.file(), count, globs, folder, self.0.quota())
    }
}

/// Unpacks at most `max_files` files and as many folders.
fn unpack_at_most(
    max_files: u64,
    disk: &File,
    count: u64,
    globs: &[String],
    folder: &Path,
    quota: &Quota,
) -> Result<(Manifest, LeftOutFiles)> {
    let filter = ArtifactFilter::new(globs)?;
    let mut refused = LeftOutFiles::default();
    let manifest =
        Unpacker::fill(max_files, folder, quota, |unpacker| unpack_all(disk, count, &filter, unpacker, &mut refused))?;
    Ok((manifest, refused))
}

fn unpack_all(
    mut disk: &File,
    count: u64,
    filter: &ArtifactFilter,
    unpacker: &mut Unpacker<'_>,
    refused: &mut LeftOutFiles,
) -> Result<()> {
    disk.rewind().context("reading the guest's artifacts")?;
    let mut archive = tar::Archive::new(io::BufReader::new(disk));
    // Each tar ends with zeros.
    archive.set_ignore_zeros(true);
    let (mut file_count, mut long_name, mut long_link) = (0, None, None);
    // Raw, since otherwise the crate reads long names and pax headers into memory, with any length that the guest
    // claims.
    let mut entries = archive.entries().context("reading the guest's artifacts")?.raw(true);
    while file_count < count {
        let Some(entry) = entries.next() else { break };
        let mut entry = entry.context("reading the guest's artifacts")?;
        let kind = entry.header().entry_type();
        match kind {
            EntryType::GNULongName if long_name.is_none() => long_name = Some(read_long_name(&mut entry)?),
            EntryType::GNULongLink if long_link.is_none() => long_link = Some(read_long_name(&mut entry)?),
            EntryType::Regular | EntryType::Continuous | EntryType::Link | EntryType::Symlink => {
                let name = match long_name.take() {
                    Some(name) => name,
                    None => entry.path().context("reading the name of an artifact")?.into_owned(),
                };
                let path = checked_path(&name)?;
                let is_link = matches!(kind, EntryType::Link | EntryType::Symlink);
                let target = match long_link.take().filter(|_| is_link) {
                    None if is_link => {
                        Some(entry.link_name()?.context("an artifact is a link without a target")?.into_owned())
                    }
                    target => target,
                };
                file_count += 1;
                match (filter.refusal(&path), target) {
                    (Some(reason), _) => refused.add(name.to_string_lossy().into_owned(), reason),
                    (None, Some(target)) if kind == EntryType::Symlink => unpacker.add_link(&path, &target)?,
                    (None, Some(first)) => unpacker.link(&path, &checked_path(&first)?)?,
                    (None, None) => {
                        let executable = entry.header().mode().is_ok_and(is_executable);
                        unpacker.add(&path, executable, &mut entry)?;
                    }
                }
            }
            other => {
                bail!("artifact {} is not a regular file ({other:?})", String::from_utf8_lossy(&entry.path_bytes()))
            }
        }
    }
    if long_name.is_some() || long_link.is_some() {
        bail!("the guest's artifacts end with the name of a missing file");
    }
    Ok(())
}

/// Reads the entry that GNU tar puts before a file whose name is too long for a header.
fn read_long_name(entry: &mut impl io::Read) -> Result<PathBuf> {
    let mut name = Vec::new();
    // The zero at the end, and one byte more to detect a name that is too long.
    entry.take(MAX_NAME + 2).read_to_end(&mut name).context("reading the name of an artifact")?;
    if name.pop_if(|last| *last == 0).is_none() || name.len() as u64 > MAX_NAME {
        bail!("the name of an artifact has more than {MAX_NAME} bytes");
    }
    Ok(OsString::from_vec(name).into())
}

/// Returns the path without `.`. Refuses a path that leaves the folder or is too deep.
fn checked_path(name: &Path) -> Result<PathBuf> {
    let mut clean = PathBuf::new();
    for part in name.components() {
        match part {
            Component::Normal(part) => clean.push(part),
            Component::CurDir => {}
            _ => bail!("artifact {} would leave the folder of artifacts", name.display()),
        }
    }
    if clean.components().count() > MAX_ARTIFACT_DEPTH {
        bail!("artifact {} is deeper than {MAX_ARTIFACT_DEPTH} folders", name.display());
    }
    Ok(clean)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
