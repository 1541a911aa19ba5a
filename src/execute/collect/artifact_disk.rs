//! Artifacts: tars that a guest wrote, read as if an enemy had.

#![expect(clippy::disallowed_types, reason = "reads a guest's disk")]

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _};
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, Result, bail};
use tar::EntryType;

use super::filter::Filter;
use super::limits::{DISK_BYTES, MAX_DEPTH, MAX_FILES, MAX_NAME, is_executable};
use super::unpacker::Unpacker;
use crate::quota::Quota;
use crate::record::{LeftOutFiles, Manifest};

/// The disk that a guest writes its artifacts to, opened once, since its path may lead to another file later. What it
/// takes on the host is taken from the run's budget for as long as it is there.
#[derive(Debug)]
pub struct ArtifactDisk {
    file: File,
    quota: Quota,
    charged: AtomicU64,
}

impl ArtifactDisk {
    /// Makes the empty disk.
    ///
    /// # Errors
    /// When it can't be made.
    pub fn make(path: &Path, quota: &Quota) -> Result<Self> {
        let make = || {
            let disk = OpenOptions::new().read(true).write(true).create_new(true).open(path)?;
            disk.set_len(DISK_BYTES)?;
            Ok::<_, io::Error>(disk)
        };
        Ok(Self::of(make().with_context(|| format!("making {}", path.display()))?, quota))
    }

    fn of(file: File, quota: &Quota) -> Self {
        Self { file, quota: quota.clone(), charged: AtomicU64::new(0) }
    }

    /// Charges the budget for the blocks written since the last call, and returns whether it had that many bytes left.
    pub fn charge(&self) -> bool {
        // A disk that can't be looked at has written nothing new.
        let bytes = self.file.metadata().map_or(0, |disk| disk.blocks() * 512);
        let new = bytes.saturating_sub(self.charged.load(Ordering::Relaxed));
        let taken = self.quota.take(new);
        self.charged.fetch_add(taken, Ordering::Relaxed);
        taken == new
    }

    /// Unpacks the first so many plain files and hard links of the tars that lie on the disk, as far as a job's globs match
    /// them, and the folders that they lie in, into a new folder; leaves out others, and fails at anything else in a tar.
    ///
    /// # Errors
    /// When a tar isn't one, holds what has no place in a folder of artifacts, or is more than the run may still write;
    /// what was unpacked before is removed.
    pub fn unpack(&self, count: u64, globs: &[String], folder: &Path) -> Result<(Manifest, LeftOutFiles)> {
        if count == 0 {
            return Ok((Manifest::new(Vec::new()), LeftOutFiles::default()));
        }
        unpack_at_most(MAX_FILES, &self.file, count, globs, folder, &self.quota)
    }
}

impl Drop for ArtifactDisk {
    fn drop(&mut self) {
        self.quota.give_back(*self.charged.get_mut());
    }
}

fn unpack_at_most(
    most: u64,
    disk: &File,
    count: u64,
    globs: &[String],
    folder: &Path,
    quota: &Quota,
) -> Result<(Manifest, LeftOutFiles)> {
    let filter = Filter::new(globs)?;
    let mut refused = LeftOutFiles::default();
    let manifest =
        Unpacker::fill(most, folder, quota, |unpacker| unpack_all(disk, count, &filter, unpacker, &mut refused))?;
    Ok((manifest, refused))
}

fn unpack_all(
    mut disk: &File,
    count: u64,
    filter: &Filter,
    unpacker: &mut Unpacker<'_>,
    refused: &mut LeftOutFiles,
) -> Result<()> {
    disk.rewind().context("reading the guest's artifacts")?;
    let mut archive = tar::Archive::new(io::BufReader::new(disk));
    // Between two tars there are zeros, and after the last one.
    archive.set_ignore_zeros(true);
    let (mut came, mut long_name, mut long_link) = (0, None, None);
    // Raw, since the crate reads a long name and pax headers into memory, whatever length the guest claims for them.
    let mut entries = archive.entries().context("reading the guest's artifacts")?.raw(true);
    while came < count {
        let Some(entry) = entries.next() else { break };
        let mut entry = entry.context("reading the guest's artifacts")?;
        let kind = entry.header().entry_type();
        match kind {
            EntryType::GNULongName if long_name.is_none() => long_name = Some(read_long_name(&mut entry)?),
            EntryType::GNULongLink if long_link.is_none() => long_link = Some(read_long_name(&mut entry)?),
            EntryType::Regular | EntryType::Continuous | EntryType::Link => {
                let name = match long_name.take() {
                    Some(name) => name,
                    None => entry.path().context("reading the name of an artifact")?.into_owned(),
                };
                let place = inside(&name)?;
                let first = match (kind, long_link.take()) {
                    (EntryType::Link, Some(first)) => Some(inside(&first)?),
                    (EntryType::Link, None) => {
                        Some(inside(&entry.link_name()?.context("an artifact links to nothing")?)?)
                    }
                    _ => None,
                };
                came += 1;
                match (filter.refusal(&place), first) {
                    (Some(reason), _) => refused.add(name.to_string_lossy().into_owned(), reason),
                    (None, Some(first)) => unpacker.link(&place, &first)?,
                    (None, None) => {
                        let executable = entry.header().mode().is_ok_and(is_executable);
                        unpacker.add(&place, executable, &mut entry)?;
                    }
                }
            }
            other => bail!("artifact {} is no plain file ({other:?})", String::from_utf8_lossy(&entry.path_bytes())),
        }
    }
    if long_name.is_some() || long_link.is_some() {
        bail!("the guest's artifacts end with the name of a file that isn't there");
    }
    Ok(())
}

/// Reads what GNU tar puts before a file whose name is longer than a header holds.
fn read_long_name(entry: &mut impl io::Read) -> Result<PathBuf> {
    let mut name = Vec::new();
    // One more than a name may have: the zero at its end.
    entry.take(MAX_NAME + 2).read_to_end(&mut name).context("reading the name of an artifact")?;
    if name.pop_if(|last| *last == 0).is_none() || name.len() as u64 > MAX_NAME {
        bail!("the name of an artifact has more than {MAX_NAME} bytes");
    }
    Ok(OsString::from_vec(name).into())
}

/// Returns the path without `.`; it may not leave its folder.
fn inside(name: &Path) -> Result<PathBuf> {
    let mut clean = PathBuf::new();
    for part in name.components() {
        match part {
            Component::Normal(part) => clean.push(part),
            Component::CurDir => {}
            _ => bail!("artifact {} would leave the folder of artifacts", name.display()),
        }
    }
    if clean.components().count() > MAX_DEPTH {
        bail!("artifact {} lies deeper than {MAX_DEPTH} folders", name.display());
    }
    Ok(clean)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
