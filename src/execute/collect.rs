//! Artifacts: a tar that a guest wrote, read as if an enemy had.

#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "writes artifacts")]

mod filter;
mod gather;

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _};
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};
use tar::EntryType;

pub use filter::Refused;
pub use gather::gather;

use filter::Filter;

/// The size of the disk that artifacts come on, in bytes; it is sparse on the host.
pub const DISK_BYTES: u64 = 1 << 30;
/// The most files, and the most folders, that one job may bring back.
const MAX_FILES: u64 = 100_000;
/// The longest name of a file, in bytes (`PATH_MAX`).
const MAX_NAME: u64 = 4096;
/// How many bytes the names of all files may have, since they are kept in memory and in the manifest.
const MAX_NAMES: u64 = 32 << 20;
/// How deep a file may lie.
const MAX_DEPTH: usize = 100;

/// What a job brought back, as it is written to `manifest.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of this format.
    pub schema_version: u32,
    /// The files, by path.
    pub files: Vec<Artifact>,
}

/// A file that a job brought back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// Its path in the workspace, and below the artifacts' folder.
    pub path: String,
    /// Its length, in bytes.
    pub len: u64,
}

/// The disk that a guest writes its artifacts to, opened once, since its path may lead to another file later.
#[derive(Debug)]
pub struct ArtifactDisk(File);

impl ArtifactDisk {
    /// Makes the empty disk.
    ///
    /// # Errors
    /// When it can't be made.
    pub fn make(path: &Path) -> Result<Self> {
        let make = || {
            let disk = OpenOptions::new().read(true).write(true).create_new(true).open(path)?;
            disk.set_len(DISK_BYTES)?;
            Ok::<_, io::Error>(Self(disk))
        };
        make().with_context(|| format!("making {}", path.display()))
    }

    /// Unpacks the plain files that a job's globs match, and the folders that they lie in, into a new folder; leaves
    /// out other plain files, and fails at anything else in the tar.
    ///
    /// # Errors
    /// When the tar isn't one, or holds what has no place in a folder of artifacts; what was unpacked before stays.
    pub fn unpack(&self, globs: &[String], folder: &Path) -> Result<(Manifest, Refused)> {
        unpack_at_most(MAX_FILES, &self.0, globs, folder)
    }
}

fn unpack_at_most(most: u64, mut disk: &File, globs: &[String], folder: &Path) -> Result<(Manifest, Refused)> {
    let filter = Filter::new(globs)?;
    fs::create_dir(folder).with_context(|| format!("making {}", folder.display()))?;
    disk.rewind().context("reading the guest's artifacts")?;
    let mut archive = tar::Archive::new(io::BufReader::new(disk));
    let mut unpacker = Unpacker { folder, most, folders: 0, names: 0, files: Vec::new() };
    let mut refused = Refused::default();
    let mut long_name = None;
    // Raw, since the crate reads a long name and pax headers into memory, whatever length the guest claims for them.
    for entry in archive.entries().context("reading the guest's artifacts")?.raw(true) {
        let mut entry = entry.context("reading the guest's artifacts")?;
        match entry.header().entry_type() {
            EntryType::GNULongName if long_name.is_none() => long_name = Some(read_long_name(&mut entry)?),
            EntryType::Regular | EntryType::Continuous => {
                let name = match long_name.take() {
                    Some(name) => name,
                    None => entry.path().context("reading the name of an artifact")?.into_owned(),
                };
                let place = inside(&name)?;
                match filter.refusal(&place) {
                    Some(reason) => refused.add(&name, reason),
                    None => unpacker.add(&name, &place, &mut entry)?,
                }
            }
            other => bail!("artifact {} is no plain file ({other:?})", String::from_utf8_lossy(&entry.path_bytes())),
        }
    }
    if long_name.is_some() {
        bail!("the guest's artifacts end with the name of a file that isn't there");
    }
    unpacker.files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok((Manifest { schema_version: 1, files: unpacker.files }, refused))
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

/// What is unpacked, and how much it is.
struct Unpacker<'a> {
    folder: &'a Path,
    most: u64,
    folders: u64,
    names: u64,
    files: Vec<Artifact>,
}

impl Unpacker<'_> {
    fn add(&mut self, name: &Path, place: &Path, content: &mut impl io::Read) -> Result<()> {
        self.names += name.as_os_str().len() as u64;
        if self.files.len() as u64 == self.most || self.names > MAX_NAMES {
            bail!("the job brought back more than {} artifacts, or names of more than {MAX_NAMES} bytes", self.most);
        }
        if let Some(parent) = place.parent() {
            self.make_folders(parent)?;
        }
        let len = write(content, &self.folder.join(place))?;
        self.files.push(Artifact { path: name.to_string_lossy().into_owned(), len });
        Ok(())
    }

    fn make_folders(&mut self, inner: &Path) -> Result<()> {
        if self.folder.join(inner).is_dir() {
            return Ok(());
        }
        let mut folder = self.folder.to_owned();
        for part in inner {
            folder.push(part);
            match fs::create_dir(&folder) {
                Ok(()) => self.folders += 1,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error).with_context(|| format!("making {}", folder.display())),
            }
            if self.folders > self.most {
                bail!("the job brought back more than {} folders", self.most);
            }
        }
        Ok(())
    }
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

fn write(entry: &mut impl io::Read, place: &Path) -> Result<u64> {
    // The folder is new and holds no links, as nothing here makes any.
    let file = OpenOptions::new().write(true).create_new(true).mode(0o644).open(place);
    let mut file = file.with_context(|| format!("making {}", place.display()))?;
    io::copy(entry, &mut file).with_context(|| format!("writing {}", place.display()))
}

#[cfg(test)]
mod tests;
