//! Artifacts: a tar that a guest wrote, read as if an enemy had.

#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "writes artifacts")]

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};
use tar::EntryType;

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

/// Makes the empty disk.
///
/// # Errors
/// When it can't be made.
pub fn make_disk(path: &Path) -> Result<()> {
    let make = || File::create_new(path)?.set_len(DISK_BYTES);
    make().with_context(|| format!("making {}", path.display()))
}

/// Unpacks plain files, and the folders that they lie in, into a new folder; anything else in the tar is an error.
///
/// # Errors
/// When the tar isn't one, or holds what has no place in a folder of artifacts; what was unpacked before stays.
pub fn unpack(disk: &Path, folder: &Path) -> Result<Manifest> {
    fs::create_dir(folder).with_context(|| format!("making {}", folder.display()))?;
    let reader = File::open(disk).with_context(|| format!("opening {}", disk.display()))?;
    let mut archive = tar::Archive::new(io::BufReader::new(reader));
    let mut unpacker = Unpacker { folder, folders: 0, names: 0, files: Vec::new() };
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
                unpacker.add(&name, &mut entry)?;
            }
            other => bail!("artifact {} is no plain file ({other:?})", String::from_utf8_lossy(&entry.path_bytes())),
        }
    }
    if long_name.is_some() {
        bail!("the guest's artifacts end with the name of a file that isn't there");
    }
    unpacker.files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(Manifest { schema_version: 1, files: unpacker.files })
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
    folders: u64,
    names: u64,
    files: Vec<Artifact>,
}

impl Unpacker<'_> {
    fn add(&mut self, name: &Path, content: &mut impl io::Read) -> Result<()> {
        self.names += name.as_os_str().len() as u64;
        if self.files.len() as u64 == MAX_FILES || self.names > MAX_NAMES {
            bail!("the guest brought back more than {MAX_FILES} artifacts, or names of more than {MAX_NAMES} bytes");
        }
        let place = inside(name)?;
        if let Some(parent) = place.parent() {
            self.make_folders(parent)?;
        }
        let len = write(content, &self.folder.join(&place))?;
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
            if self.folders > MAX_FILES {
                bail!("the guest brought back more than {MAX_FILES} folders");
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
            builder.append(header, std::io::repeat(b'x').take(header.entry_size().unwrap())).unwrap();
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
        let (folder, files) = unpacked(&[header(EntryType::Regular, b"./build/test.log", 700)]);
        assert_eq!(files.unwrap(), [Artifact { path: "./build/test.log".into(), len: 700 }]);
        assert_eq!(std::fs::read(folder.path().join("artifacts/build/test.log")).unwrap(), [b'x'; 700]);
    }

    #[test]
    fn nothing_leaves_the_folder() {
        let bad: &[(EntryType, &[u8])] = &[
            (EntryType::Regular, b"../escape"),
            (EntryType::Regular, b"/tmp/pikaci-escape"),
            (EntryType::Regular, b"a/../../escape"),
            (EntryType::Directory, b"folder"),
            (EntryType::XHeader, b"pax"),
            (EntryType::XGlobalHeader, b"pax"),
            (EntryType::GNULongLink, b"long link"),
            (EntryType::GNULongName, b"a long name of nothing"),
            (EntryType::GNUSparse, b"sparse"),
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

    /// Writes a tar of files with these names, long ones as busybox does, and unpacks it.
    fn named(names: &mut dyn Iterator<Item = String>) -> (tempfile::TempDir, anyhow::Result<Vec<Artifact>>) {
        let folder = tempfile::tempdir().unwrap();
        let disk = folder.path().join("disk");
        let mut builder = Builder::new(std::io::BufWriter::new(std::fs::File::create(&disk).unwrap()));
        for name in names {
            if name.len() > 99 {
                let long = header(EntryType::GNULongName, b"././@LongLink", name.len() as u64 + 1);
                builder.append(&long, format!("{name}\0").as_bytes()).unwrap();
            }
            let short = &name.as_bytes()[..name.len().min(99)];
            builder.append(&header(EntryType::Regular, short, 1), &b"x"[..]).unwrap();
        }
        drop(builder.into_inner().unwrap());
        let result = unpack(&disk, &folder.path().join("artifacts"));
        (folder, result.map(|manifest| manifest.files))
    }

    #[test]
    fn long_names_arrive_and_longer_ones_are_refused() {
        let long = ["folder"; 50].join("/");
        let (folder, files) = named(&mut [long.clone(), "short".to_owned()].into_iter());
        let names: Vec<String> = files.unwrap().into_iter().map(|file| file.path).collect();
        assert_eq!(names, [long.clone(), "short".to_owned()]);
        assert_eq!(std::fs::read(folder.path().join("artifacts").join(long)).unwrap(), b"x");

        let refused = |name: String| named(&mut std::iter::once(name)).1.unwrap_err().to_string();
        assert_eq!(refused("./".repeat(2049)), "the name of an artifact has more than 4096 bytes");
        assert!(refused("a/".repeat(101) + "b").ends_with("lies deeper than 100 folders"));
    }

    #[test]
    fn a_long_name_takes_no_memory() {
        let folder = tempfile::tempdir().unwrap();
        let disk = folder.path().join("disk");
        std::fs::write(&disk, header(EntryType::GNULongName, b"././@LongLink", 1 << 50).as_bytes()).unwrap();
        std::fs::File::options().write(true).open(&disk).unwrap().set_len(1 << 40).unwrap();
        let error = unpack(&disk, &folder.path().join("artifacts")).unwrap_err();
        assert_eq!(error.to_string(), "the name of an artifact has more than 4096 bytes");
    }

    #[test]
    fn folders_are_counted() {
        let deep = ["d"; 98].join("/");
        let mut names = (0..1100).map(|number| format!("{number}/{deep}/file"));
        let error = named(&mut names).1.unwrap_err();
        assert_eq!(error.to_string(), "the guest brought back more than 100000 folders");
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
