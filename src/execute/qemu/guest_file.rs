//! Opens kernels and disks, which the hypervisor inherits as open descriptors.

#![expect(clippy::disallowed_types, reason = "opens files")]

use std::fs::File;
use std::path::Path;

use anyhow::{Context as _, Result};
use rustix::fs::{Mode, OFlags};

use crate::foreign::Beneath;

/// The access of a guest to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileAccess {
    /// Reads only.
    Read,
    /// Reads and writes.
    Write,
}

/// Opens a regular file for a guest. For reading, the path may have symbolic links, as the path of a runner in the
/// store may.
///
/// # Errors
/// When the file can't be opened or isn't a regular file.
pub fn open_guest_file(path: &Path, access: FileAccess) -> Result<File> {
    let file = match access {
        FileAccess::Read => Beneath::resolved(path).and_then(|file| file.open()),
        FileAccess::Write => Beneath::in_its_folder(path).open_regular(OFlags::RDWR, Mode::empty()),
    };
    file.with_context(|| format!("opening {} for the guest", path.display()))
}

#[expect(clippy::disallowed_methods, reason = "creates the files to open")]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use super::{FileAccess, open_guest_file};

    #[test]
    fn only_regular_files_are_opened_and_links_only_for_reading() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("file"), "").unwrap();
        symlink(path("file"), path("link")).unwrap();
        symlink("/dev/zero", path("device")).unwrap();
        assert!(
            open_guest_file(&path("file"), FileAccess::Read).is_ok()
                && open_guest_file(&path("file"), FileAccess::Write).is_ok()
        );
        assert!(open_guest_file(&path("link"), FileAccess::Read).is_ok());
        for (path, access) in [
            (path("link"), FileAccess::Write),
            (path("device"), FileAccess::Read),
            (path("missing"), FileAccess::Read),
            (folder.path().to_owned(), FileAccess::Read),
        ] {
            let error = format!("{:#}", open_guest_file(&path, access).unwrap_err());
            assert!(error.starts_with(&format!("opening {} for the guest: ", path.display())), "{error}");
        }
        assert!(open_guest_file(Path::new("/dev/null"), FileAccess::Write).is_err());
    }
}
