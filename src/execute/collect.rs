//! Artifacts: a tar that a guest wrote, read as if an enemy had.

#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "writes artifacts")]

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};
use tar::EntryType;

/// The size of the disk that artifacts come on, in bytes; it is sparse on the host.
pub const DISK_BYTES: u64 = 1 << 30;
/// The most files that one job may bring back.
const MAX_FILES: u64 = 100_000;

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

/// Makes the empty disk.
///
/// # Errors
/// When it can't be made.
pub fn make_disk(path: &Path) -> Result<()> {
    let make = || File::create_new(path)?.set_len(DISK_BYTES);
    make().with_context(|| format!("making {}", path.display()))
}

/// Unpacks plain files and folders into a new folder; anything else in the tar is an error.
///
/// # Errors
/// When the tar isn't one, or holds what has no place in a folder of artifacts; what was unpacked before stays.
pub fn unpack(disk: &Path, folder: &Path) -> Result<Manifest> {
    fs::create_dir(folder).with_context(|| format!("making {}", folder.display()))?;
    let reader = File::open(disk).with_context(|| format!("opening {}", disk.display()))?;
    let mut archive = tar::Archive::new(io::BufReader::new(reader));
    let mut files = Vec::new();
    for entry in archive.entries().context("reading the guest's artifacts")? {
        let mut entry = entry.context("reading the guest's artifacts")?;
        let name = entry.path().context("reading the name of an artifact")?.into_owned();
        let place = folder.join(inside(&name)?);
        match entry.header().entry_type() {
            EntryType::Directory => make_folder(&place)?,
            EntryType::Regular | EntryType::Continuous => {
                if files.len() as u64 == MAX_FILES {
                    bail!("the guest brought back more than {MAX_FILES} artifacts");
                }
                make_folder(place.parent().unwrap_or(folder))?;
                let len = write(&mut entry, &place)?;
                files.push(Artifact { path: name.to_string_lossy().into_owned(), len });
            }
            other => bail!("artifact {} is neither a file nor a folder ({other:?})", name.display()),
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(Manifest { schema_version: 1, files })
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
    Ok(clean)
}

fn make_folder(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))
}

fn write(entry: &mut impl io::Read, place: &Path) -> Result<u64> {
    // The folder is new and holds no links, as nothing here makes any.
    let file = OpenOptions::new().write(true).create_new(true).mode(0o644).open(place);
    let mut file = file.with_context(|| format!("making {}", place.display()))?;
    io::copy(entry, &mut file).with_context(|| format!("writing {}", place.display()))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use tar::{Builder, EntryType, Header};

    use super::{Artifact, unpack};

    fn header(kind: EntryType, name: &[u8], size: u64) -> Header {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(size);
        header.set_mode(0o777);
        header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name);
        header.set_cksum();
        header
    }

    fn unpacked(headers: &[Header]) -> (tempfile::TempDir, anyhow::Result<Vec<Artifact>>) {
        let folder = tempfile::tempdir().unwrap();
        let mut builder = Builder::new(Vec::new());
        for header in headers {
            builder.append(header, std::io::repeat(b'x').take(header.size().unwrap())).unwrap();
        }
        let mut bytes = builder.into_inner().unwrap();
        bytes.resize(1 << 20, 0);
        let disk = folder.path().join("disk");
        std::fs::write(&disk, bytes).unwrap();
        let result = unpack(&disk, &folder.path().join("artifacts"));
        (folder, result.map(|manifest| manifest.files))
    }

    #[test]
    fn plain_files_arrive() {
        let (folder, files) = unpacked(&[
            header(EntryType::Directory, b"./build/", 0),
            header(EntryType::Regular, b"./build/test.log", 700),
        ]);
        assert_eq!(files.unwrap(), [Artifact { path: "./build/test.log".into(), len: 700 }]);
        assert_eq!(std::fs::read(folder.path().join("artifacts/build/test.log")).unwrap(), [b'x'; 700]);
    }

    #[test]
    fn nothing_leaves_the_folder() {
        let bad: &[(EntryType, &[u8])] = &[
            (EntryType::Regular, b"../escape"),
            (EntryType::Regular, b"/tmp/pikaci-escape"),
            (EntryType::Regular, b"a/../../escape"),
            (EntryType::Symlink, b"link"),
            (EntryType::Link, b"hard"),
            (EntryType::Block, b"device"),
            (EntryType::Fifo, b"fifo"),
        ];
        for (kind, name) in bad {
            let (folder, files) = unpacked(&[header(*kind, name, 0)]);
            assert!(files.is_err(), "{kind:?} {}", String::from_utf8_lossy(name));
            assert!(!folder.path().join("escape").exists());
            assert!(!Path::new("/tmp/pikaci-escape").exists());
        }
    }

    #[test]
    fn a_file_given_twice_is_refused() {
        let twice = header(EntryType::Regular, b"a", 1);
        assert!(unpacked(&[twice.clone(), twice]).1.is_err());
    }

    #[test]
    fn noise_is_an_error_and_an_empty_disk_is_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let disk = folder.path().join("disk");
        std::fs::write(&disk, vec![0x5a; 4096]).unwrap();
        assert!(unpack(&disk, &folder.path().join("a")).is_err());
        std::fs::write(&disk, vec![0; 4096]).unwrap();
        assert_eq!(unpack(&disk, &folder.path().join("b")).unwrap().files, []);
    }

    use std::io::Read as _;
}
