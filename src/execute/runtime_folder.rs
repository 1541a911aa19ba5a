//! Temporary folders of a guest, for sockets and for links whose names every hypervisor accepts.

#![expect(clippy::disallowed_methods, reason = "reads the path of temporary files")]

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use anyhow::Result;

use crate::state::TemporaryFolder;

/// Maximum length of a socket's path, in bytes: the shorter `sun_path`, that of macOS, without the zero at its end.
pub const MAX_SOCKET_PATH: usize = 103;
/// Maximum length of a name in such a folder, in bytes.
const MAX_NAME: usize = 16;

/// Creates a folder whose path is short and has no special characters, so that every command line accepts it.
///
/// # Errors
/// When the folder can't be created.
pub fn runtime_folder() -> Result<TemporaryFolder> {
    runtime_folder_in(&std::env::temp_dir())
}

/// Creates the folder in `parent`, or in `/tmp` if that path is too long or has special characters.
fn runtime_folder_in(parent: &Path) -> Result<TemporaryFolder> {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-+".contains(byte);
    let fits = |folder: &TemporaryFolder| {
        let path = folder.path().as_os_str().as_bytes();
        path.len() + 1 + MAX_NAME <= MAX_SOCKET_PATH && path.iter().all(plain)
    };
    let folder = TemporaryFolder::make(parent)?;
    if fits(&folder) { Ok(folder) } else { TemporaryFolder::make(Path::new("/tmp")) }
}

#[cfg(test)]
mod tests {
    use super::{MAX_NAME, MAX_SOCKET_PATH, runtime_folder_in};

    #[test]
    fn a_runtime_folder_has_a_short_and_plain_path() {
        let parent = tempfile::tempdir().unwrap();
        assert!(runtime_folder_in(parent.path()).unwrap().path().starts_with(parent.path()));
        for name in ["d".repeat(90), "a,b".to_owned(), "a b".to_owned()] {
            let odd = parent.path().join(name);
            std::fs::create_dir(&odd).unwrap();
            let folder = runtime_folder_in(&odd).unwrap();
            assert!(!folder.path().starts_with(&odd));
            assert!(folder.path().as_os_str().len() + 1 + MAX_NAME <= MAX_SOCKET_PATH, "{folder:?}");
        }
    }
}
