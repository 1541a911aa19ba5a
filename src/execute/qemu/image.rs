//! Opens kernels and disks for a guest, which gets them as descriptors.

#![expect(clippy::disallowed_types, reason = "opens files")]

use std::fs::File;
use std::path::Path;

use anyhow::{Context as _, Result};
use rustix::fs::{Mode, OFlags};

use crate::foreign::Beneath;

/// The access that a guest has to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// It reads.
    Read,
    /// It reads and writes.
    Write,
}

/// Opens a regular file for a guest. One that is only read may be named by links, as a runner in the store may be.
///
/// # Errors
/// When it can't be opened, or is something else.
pub fn open(path: &Path, access: Access) -> Result<File> {
    let file = match access {
        Access::Read => Beneath::resolved(path).and_then(|file| file.open()),
        Access::Write => Beneath::in_its_folder(path).regular(OFlags::RDWR, Mode::empty()),
    };
    file.with_context(|| format!("opening {} for the guest", path.display()))
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "makes the files to open")]
mod tests {
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use super::{Access, open};

    #[test]
    fn only_regular_files_are_opened_and_links_only_to_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("file"), "").unwrap();
        symlink(path("file"), path("link")).unwrap();
        symlink("/dev/zero", path("device")).unwrap();
        assert!(open(&path("file"), Access::Read).is_ok() && open(&path("file"), Access::Write).is_ok());
        assert!(open(&path("link"), Access::Read).is_ok());
        for (path, access) in [
            (path("link"), Access::Write),
            (path("device"), Access::Read),
            (path("missing"), Access::Read),
            (folder.path().to_owned(), Access::Read),
        ] {
            let error = format!("{:#}", open(&path, access).unwrap_err());
            assert!(error.starts_with(&format!("opening {} for the guest: ", path.display())), "{error}");
        }
        assert!(open(Path::new("/dev/null"), Access::Write).is_err());
    }
}
