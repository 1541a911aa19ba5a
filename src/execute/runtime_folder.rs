//! Folders that live as long as a guest: for sockets, and for links whose names every hypervisor accepts.

#![expect(clippy::disallowed_methods, reason = "asks where temporary files go")]

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use anyhow::Result;

use crate::state::TemporaryFolder;

/// The longest path that a socket may have, in bytes: macOS has the shorter `sun_path`.
const LONGEST_SOCKET: usize = super::vfkit::LONGEST_SOCKET;
/// The longest name that is made in such a folder, in bytes.
const LONGEST_NAME: usize = 16;

/// Makes a folder whose path is short, and plain enough for every command line.
///
/// # Errors
/// When it can't be made.
pub fn runtime_folder() -> Result<TemporaryFolder> {
    runtime_folder_in(&std::env::temp_dir())
}

/// Makes the folder in `parent`, or in `/tmp` if that path is too long or has special characters.
fn runtime_folder_in(parent: &Path) -> Result<TemporaryFolder> {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-+".contains(byte);
    let fits = |folder: &TemporaryFolder| {
        let path = folder.path().as_os_str().as_bytes();
        path.len() + 1 + LONGEST_NAME <= LONGEST_SOCKET && path.iter().all(plain)
    };
    let folder = TemporaryFolder::make(parent)?;
    if fits(&folder) { Ok(folder) } else { TemporaryFolder::make(Path::new("/tmp")) }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST_NAME, LONGEST_SOCKET, runtime_folder_in};

    #[test]
    fn a_socket_has_a_path_that_can_be_used() {
        let parent = tempfile::tempdir().unwrap();
        assert!(runtime_folder_in(parent.path()).unwrap().path().starts_with(parent.path()));
        for name in ["d".repeat(90), "a,b".to_owned(), "a b".to_owned()] {
            let odd = parent.path().join(name);
            std::fs::create_dir(&odd).unwrap();
            let folder = runtime_folder_in(&odd).unwrap();
            assert!(!folder.path().starts_with(&odd));
            assert!(folder.path().as_os_str().len() + 1 + LONGEST_NAME <= LONGEST_SOCKET, "{folder:?}");
        }
    }
}
