//! A path beneath a folder.

#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "opens files that others made")]

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::ops::Deref;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, fstat, mkdirat, open, statat};
use rustix::io::Errno;

use super::open_beneath::open_beneath;

/// A path beneath a folder. No component below the folder may be a link, and neither may the last component of the
/// folder's own path; the components above that are trusted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Beneath {
    folder: PathBuf,
    path: PathBuf,
}

/// An entry of a folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FolderEntry {
    /// Name of the entry in its folder.
    pub name: OsString,
    /// True for a folder, false for a link to a folder.
    pub is_folder: bool,
}

impl Beneath {
    /// Returns the path of the folder itself.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        let folder = folder.into();
        Self { path: folder.clone(), folder }
    }

    /// Returns a path beneath its own parent folder, which is trusted together with the links on the way to it.
    #[must_use]
    pub fn in_its_folder(path: &Path) -> Self {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Self {
            folder: folder.to_owned(),
            path: path.file_name().map_or_else(|| path.to_owned(), |name| folder.join(name)),
        }
    }

    /// Resolves all links of a path now. A link that replaces the resolved file later isn't followed.
    ///
    /// # Errors
    /// When the path can't be resolved.
    pub fn resolved(path: &Path) -> io::Result<Self> {
        Ok(Self::in_its_folder(&std::fs::canonicalize(path)?))
    }

    /// Returns a path below this one.
    #[must_use]
    pub fn join(&self, name: impl AsRef<Path>) -> Self {
        Self { folder: self.folder.clone(), path: self.path.join(name) }
    }

    /// Returns the folder that holds the path; `None` for the outermost folder itself.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        let parent = self.path.parent().filter(|parent| parent.starts_with(&self.folder));
        parent.map(|parent| Self { folder: self.folder.clone(), path: parent.to_owned() })
    }

    /// Returns the path relative to the folder. A path that was joined with an absolute path is returned whole.
    #[must_use]
    pub fn relative(&self) -> &Path {
        match self.path.strip_prefix(&self.folder) {
            Ok(relative) if relative.as_os_str().is_empty() => Path::new("."),
            Ok(relative) => relative,
            Err(_) => &self.path,
        }
    }

    /// Opens a file of any type with flags of open(2).
    ///
    /// # Errors
    /// When the path doesn't exist, may not be opened, or contains a link.
    pub fn open_with(&self, flags: OFlags, mode: Mode) -> io::Result<OwnedFd> {
        let folder = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let folder = open(&self.folder, folder, Mode::empty()).map_err(explain)?;
        // `relative` drops a trailing slash, with which the kernel would follow a link.
        open_beneath(folder.as_fd(), self.relative(), flags | OFlags::NOFOLLOW, mode).map_err(explain)
    }

    /// Opens a regular file for reading. Never blocks, whatever the type of the file.
    ///
    /// # Errors
    /// When the path is not a regular file, doesn't exist, may not be read, or contains a link.
    pub fn open(&self) -> io::Result<File> {
        self.open_regular(OFlags::RDONLY, Mode::empty())
    }

    /// Opens a regular file with flags of open(2).
    ///
    /// # Errors
    /// As [`Beneath::open`].
    pub fn open_regular(&self, flags: OFlags, mode: Mode) -> io::Result<File> {
        let file = self.open_with(flags | OFlags::NONBLOCK | OFlags::NOCTTY, mode)?;
        match FileType::from_raw_mode(fstat(&file)?.st_mode) {
            FileType::RegularFile => Ok(file.into()),
            kind => {
                Err(io::Error::new(ErrorKind::InvalidInput, format!("it is {}, not a regular file", describe(kind))))
            }
        }
    }

    /// Reads a regular file of at most `limit` bytes.
    ///
    /// # Errors
    /// As [`Beneath::open`], and when the file is longer.
    pub fn read(&self, limit: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.open()?.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > limit {
            return Err(io::Error::new(ErrorKind::FileTooLarge, format!("it has more than {limit} bytes")));
        }
        Ok(bytes)
    }

    /// Returns the file type without following a link.
    ///
    /// # Errors
    /// When the path doesn't exist, or a folder on the way is a link.
    pub fn kind(&self) -> io::Result<FileType> {
        let (Some(parent), Some(name)) = (self.parent(), self.path.file_name()) else {
            return Ok(FileType::from_raw_mode(statat(CWD, &self.path, AtFlags::SYMLINK_NOFOLLOW)?.st_mode));
        };
        let parent = parent.open_folder()?;
        Ok(FileType::from_raw_mode(statat(&parent, name, AtFlags::SYMLINK_NOFOLLOW)?.st_mode))
    }

    /// Returns whether a file of any type, links included, exists at the path. A path that can't be inspected counts as
    /// missing.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.kind().is_ok()
    }

    /// Returns whether the path is a folder. A link to a folder isn't one.
    #[must_use]
    pub fn is_folder(&self) -> bool {
        self.kind().is_ok_and(|kind| kind == FileType::Directory)
    }

    /// Opens a folder.
    ///
    /// # Errors
    /// When the path is not a folder, doesn't exist, may not be read, or contains a link.
    pub fn open_folder(&self) -> io::Result<File> {
        Ok(self.open_with(OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty())?.into())
    }

    /// Returns the entries of a folder, sorted by name.
    ///
    /// # Errors
    /// As [`Beneath::open_folder`].
    pub fn entries(&self) -> io::Result<Vec<FolderEntry>> {
        let folder = self.open_folder()?;
        let mut entries = Vec::new();
        for entry in Dir::read_from(&folder)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name == b"." || name == b".." {
                continue;
            }
            let is_folder = match entry.file_type() {
                // Some file systems don't store the type in the folder.
                FileType::Unknown => statat(&folder, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW)
                    .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Directory),
                kind => kind == FileType::Directory,
            };
            entries.push(FolderEntry { name: OsString::from_vec(name.to_vec()), is_folder });
        }
        entries.sort();
        Ok(entries)
    }

    /// Returns the names of the subfolders that have an entry of the given name, whatever its type.
    ///
    /// # Errors
    /// As [`Beneath::open_folder`].
    pub fn folders_with(&self, name: &str) -> io::Result<Vec<OsString>> {
        let handle = self.open_folder()?;
        let folders = self.entries()?.into_iter().filter(|entry| entry.is_folder).map(|entry| entry.name);
        let has_entry =
            |folder: &OsString| statat(&handle, Path::new(folder).join(name), AtFlags::SYMLINK_NOFOLLOW).is_ok();
        Ok(folders.filter(has_entry).collect())
    }

    /// Makes the folder and all missing folders on the way to it.
    ///
    /// # Errors
    /// When a folder can't be made, or a link or a file that isn't a folder has its name.
    pub fn make_folders(&self) -> io::Result<()> {
        let (Some(parent), Some(name)) = (self.parent(), self.path.file_name()) else { return Ok(()) };
        let folder = match parent.open_folder() {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                parent.make_folders()?;
                parent.open_folder()?
            }
            folder => folder?,
        };
        match mkdirat(&folder, name, Mode::from(0o777)) {
            Ok(()) | Err(Errno::EXIST) => self.open_folder().map(drop),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Checks that no folder on the way is a link, and returns the path for a call that takes a plain path.
    ///
    /// # Errors
    /// When the parent folder doesn't exist, or a folder on the way is a link.
    pub fn checked(&self) -> io::Result<&Path> {
        if let Some(parent) = self.parent() {
            parent.open_folder()?;
        }
        Ok(&self.path)
    }
}

impl Deref for Beneath {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.path
    }
}

impl AsRef<Path> for Beneath {
    fn as_ref(&self) -> &Path {
        &self.path
    }
}

/// Turns the error numbers of a link and of a path out of the folder into messages.
fn explain(errno: Errno) -> io::Error {
    match errno {
        Errno::LOOP => io::Error::new(ErrorKind::InvalidInput, "it is a symbolic link or lies behind one"),
        Errno::XDEV => io::Error::new(ErrorKind::InvalidInput, "it leads out of its folder"),
        errno => errno.into(),
    }
}

fn describe(kind: FileType) -> &'static str {
    match kind {
        FileType::Directory => "a folder",
        FileType::Symlink => "a symbolic link",
        FileType::Fifo => "a pipe",
        FileType::Socket => "a socket",
        FileType::CharacterDevice | FileType::BlockDevice => "a device",
        _ => "something else",
    }
}
