//! A path beneath a folder.

#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "this is the room that opens files of others")]

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::ops::Deref;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, fstat, mkdirat, open, statat};
use rustix::io::Errno;

use super::resolve::resolve;

/// A path beneath a folder; neither it nor anything between the two may be a link. The folder itself is trusted as far as
/// its own name: it may not be a link either.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Beneath {
    folder: PathBuf,
    path: PathBuf,
}

/// Something in a folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Its name.
    pub name: OsString,
    /// True for a folder, false for a link to one.
    pub is_folder: bool,
}

impl Beneath {
    /// Returns the folder itself as such a path.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        let folder = folder.into();
        Self { path: folder.clone(), folder }
    }

    /// Returns a path whose folder is trusted, links on the way to it included.
    #[must_use]
    pub fn in_its_folder(path: &Path) -> Self {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Self {
            folder: folder.to_owned(),
            path: path.file_name().map_or_else(|| path.to_owned(), |name| folder.join(name)),
        }
    }

    /// Returns the file that a path of this host leads to now; a link that takes its place later isn't followed.
    ///
    /// # Errors
    /// When the path leads nowhere.
    pub fn resolved(path: &Path) -> io::Result<Self> {
        Ok(Self::in_its_folder(&std::fs::canonicalize(path)?))
    }

    /// Returns a path in this one.
    #[must_use]
    pub fn join(&self, name: impl AsRef<Path>) -> Self {
        Self { folder: self.folder.clone(), path: self.path.join(name) }
    }

    /// Returns the folder that holds it; `None` for the folder that everything is beneath.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        let parent = self.path.parent().filter(|parent| parent.starts_with(&self.folder));
        parent.map(|parent| Self { folder: self.folder.clone(), path: parent.to_owned() })
    }

    /// Returns the path relative to the folder; one that was joined with an absolute path leads elsewhere.
    #[must_use]
    pub fn inner(&self) -> &Path {
        match self.path.strip_prefix(&self.folder) {
            Ok(inner) if inner.as_os_str().is_empty() => Path::new("."),
            Ok(inner) => inner,
            Err(_) => &self.path,
        }
    }

    /// Opens it with flags of open(2), whatever it is.
    ///
    /// # Errors
    /// When it isn't there, may not be opened, or a link is on the way.
    pub fn open_with(&self, flags: OFlags, mode: Mode) -> io::Result<OwnedFd> {
        let folder = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let folder = open(&self.folder, folder, Mode::empty()).map_err(no_link)?;
        // A name that ends with a slash would have the kernel follow a link.
        resolve(folder.as_fd(), self.inner(), flags | OFlags::NOFOLLOW, mode).map_err(no_link)
    }

    /// Opens a regular file for reading; whatever else it is isn't waited for.
    ///
    /// # Errors
    /// When it is no regular file, isn't there, may not be read, or a link is on the way.
    pub fn open(&self) -> io::Result<File> {
        self.regular(OFlags::RDONLY, Mode::empty())
    }

    /// Opens a regular file with flags of open(2).
    ///
    /// # Errors
    /// As [`Beneath::open`].
    pub fn regular(&self, flags: OFlags, mode: Mode) -> io::Result<File> {
        let file = self.open_with(flags | OFlags::NONBLOCK | OFlags::NOCTTY, mode)?;
        match FileType::from_raw_mode(fstat(&file)?.st_mode) {
            FileType::RegularFile => Ok(file.into()),
            kind => Err(io::Error::new(ErrorKind::InvalidInput, format!("it is {}, and no file", name(kind)))),
        }
    }

    /// Reads a regular file of at most `limit` bytes.
    ///
    /// # Errors
    /// As [`Beneath::open`], and when it is longer.
    pub fn read(&self, limit: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.open()?.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > limit {
            return Err(io::Error::new(ErrorKind::FileTooLarge, format!("it has more than {limit} bytes")));
        }
        Ok(bytes)
    }

    /// Returns what it is, without following a link.
    ///
    /// # Errors
    /// When it isn't there, or a link is on the way.
    pub fn kind(&self) -> io::Result<FileType> {
        let (Some(parent), Some(name)) = (self.parent(), self.path.file_name()) else {
            return Ok(FileType::from_raw_mode(statat(CWD, &self.path, AtFlags::SYMLINK_NOFOLLOW)?.st_mode));
        };
        let parent = parent.open_folder()?;
        Ok(FileType::from_raw_mode(statat(&parent, name, AtFlags::SYMLINK_NOFOLLOW)?.st_mode))
    }

    /// Returns whether something is there, be it a link; what can't be looked at is none.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.kind().is_ok()
    }

    /// Returns whether it is a folder, and no link.
    #[must_use]
    pub fn is_folder(&self) -> bool {
        self.kind().is_ok_and(|kind| kind == FileType::Directory)
    }

    /// Opens a folder.
    ///
    /// # Errors
    /// When it is no folder, isn't there, may not be read, or a link is on the way.
    pub fn open_folder(&self) -> io::Result<File> {
        Ok(self.open_with(OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty())?.into())
    }

    /// Returns what a folder holds, sorted by name.
    ///
    /// # Errors
    /// As [`Beneath::open_folder`].
    pub fn entries(&self) -> io::Result<Vec<Entry>> {
        let folder = self.open_folder()?;
        let mut entries = Vec::new();
        for entry in Dir::read_from(&folder)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name == b"." || name == b".." {
                continue;
            }
            let is_folder = match entry.file_type() {
                // Some file systems don't say it in the list.
                FileType::Unknown => statat(&folder, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW)
                    .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Directory),
                kind => kind == FileType::Directory,
            };
            entries.push(Entry { name: OsString::from_vec(name.to_vec()), is_folder });
        }
        entries.sort();
        Ok(entries)
    }

    /// Returns the names of the folders in a folder that hold something of a name; what that is isn't looked at.
    ///
    /// # Errors
    /// As [`Beneath::open_folder`].
    pub fn folders_with(&self, name: &str) -> io::Result<Vec<OsString>> {
        let handle = self.open_folder()?;
        let folders = self.entries()?.into_iter().filter(|entry| entry.is_folder).map(|entry| entry.name);
        let holds =
            |folder: &OsString| statat(&handle, Path::new(folder).join(name), AtFlags::SYMLINK_NOFOLLOW).is_ok();
        Ok(folders.filter(holds).collect())
    }

    /// Makes the folder and those on the way that are missing.
    ///
    /// # Errors
    /// When one can't be made, or something else or a link is in its place.
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

    /// Returns the path for a step that takes one, once nothing on the way to it is a link.
    ///
    /// # Errors
    /// When the folder that holds it isn't there, or a link is on the way.
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

/// Explains the errors that the system gives for a link or for a path out of the folder.
fn no_link(errno: Errno) -> io::Error {
    match errno {
        Errno::LOOP => io::Error::new(ErrorKind::InvalidInput, "a symbolic link is in its place or on the way to it"),
        Errno::XDEV => io::Error::new(ErrorKind::InvalidInput, "it leads out of its folder"),
        errno => errno.into(),
    }
}

fn name(kind: FileType) -> &'static str {
    match kind {
        FileType::Directory => "a folder",
        FileType::Symlink => "a symbolic link",
        FileType::Fifo => "a pipe",
        FileType::Socket => "a socket",
        FileType::CharacterDevice | FileType::BlockDevice => "a device",
        _ => "something else",
    }
}
