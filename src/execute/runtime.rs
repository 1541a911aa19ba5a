//! Folders for what lives as long as a guest: sockets, and names that a hypervisor can be given.

#![expect(clippy::disallowed_methods, reason = "makes and removes folders where temporary files go")]

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use crate::failpoint::Point;
use crate::foreign::Beneath;
use crate::state::FileLock;

/// The longest path that a socket may have, in bytes: macOS has the shorter `sun_path`.
const LONGEST_SOCKET: usize = super::vfkit::LONGEST_SOCKET;
/// The longest name that is made in such a folder, in bytes.
const LONGEST_NAME: usize = 16;
/// How the names of these folders begin.
const PREFIX: &str = "pikaci-vm-";

/// A folder that goes when it is dropped. Where pikaci is killed it stays, until [`sweep`] finds that nobody holds it.
#[derive(Debug)]
pub struct Folder {
    folder: TempDir,
    _held: FileLock,
}

impl Folder {
    /// Returns its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    fn make(parent: &Path) -> Result<Self> {
        loop {
            let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(parent);
            let folder = folder.with_context(|| format!("making a folder for sockets in {}", parent.display()))?;
            let held = FileLock::share_of_folder(&Beneath::new(folder.path()));
            // Until it was held, somebody may have swept it away.
            if folder.path().exists() {
                return Ok(Self { folder, _held: held? });
            }
        }
    }
}

/// Removes the folders of this user that pikacis left which were killed. What can't be removed is left to the next one.
pub fn sweep() {
    for parent in [&std::env::temp_dir(), Path::new("/tmp")] {
        for entry in fs::read_dir(parent).into_iter().flatten().filter_map(Result::ok) {
            let is_ours = |entry: fs::Metadata| entry.is_dir() && entry.uid() == rustix::process::getuid().as_raw();
            if entry.file_name().as_bytes().starts_with(PREFIX.as_bytes())
                && entry.metadata().is_ok_and(is_ours)
                && let Ok(Some(_left)) = FileLock::try_folder(Point::Sweep, &Beneath::new(entry.path()))
            {
                fs::remove_dir_all(entry.path()).ok();
            }
        }
    }
}

/// Makes a folder whose path is short, and plain enough for every command line.
///
/// # Errors
/// When it can't be made.
pub fn folder() -> Result<Folder> {
    folder_in(&std::env::temp_dir())
}

/// Makes it in `wanted`, if its path can be used there.
fn folder_in(wanted: &Path) -> Result<Folder> {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-+".contains(byte);
    let fits = |folder: &Folder| {
        let path = folder.path().as_os_str().as_bytes();
        path.len() + 1 + LONGEST_NAME <= LONGEST_SOCKET && path.iter().all(plain)
    };
    let folder = Folder::make(wanted)?;
    if fits(&folder) { Ok(folder) } else { Folder::make(Path::new("/tmp")) }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST_NAME, LONGEST_SOCKET, folder_in};

    #[test]
    fn a_socket_has_a_path_that_can_be_used() {
        let parent = tempfile::tempdir().unwrap();
        assert!(folder_in(parent.path()).unwrap().path().starts_with(parent.path()));
        for name in ["d".repeat(90), "a,b".to_owned(), "a b".to_owned()] {
            let odd = parent.path().join(name);
            std::fs::create_dir(&odd).unwrap();
            let folder = folder_in(&odd).unwrap();
            assert!(!folder.path().starts_with(&odd));
            assert!(folder.path().as_os_str().len() + 1 + LONGEST_NAME <= LONGEST_SOCKET, "{folder:?}");
        }
    }
}
