//! Opens a path beneath a folder, component by component.

use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Component, Path};

use rustix::fs::{Mode, OFlags, openat};
use rustix::io::Errno;

/// Opens a path beneath a folder. Neither the path nor any folder on the way may be a link.
///
/// # Errors
/// When the path doesn't exist or may not be opened (`LOOP` or `NOTDIR` for a link, `XDEV` for a path that leads out of
/// the folder).
pub fn open_by_component(folder: BorrowedFd<'_>, path: &Path, flags: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
    let mut names = Vec::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => names.push(name),
            Component::CurDir => {}
            _ => return Err(Errno::XDEV),
        }
    }
    let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let Some((last, folders)) = names.split_last() else { return openat(folder, ".", flags, mode) };
    let folder_flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut parent: Option<OwnedFd> = None;
    for name in folders {
        let from = parent.as_ref().map_or(folder, |parent| parent.as_fd());
        parent = Some(openat(from, *name, folder_flags, Mode::empty())?);
    }
    openat(parent.as_ref().map_or(folder, |parent| parent.as_fd()), *last, flags, mode)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "makes the files to open")]

    use std::fs::{self, File};
    use std::os::fd::AsFd as _;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use rustix::fs::{Mode, OFlags};

    use super::open_by_component;
    use crate::foreign::open_beneath;

    #[test]
    fn both_implementations_open_the_same_paths() {
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret"), "").unwrap();
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("a/b")).unwrap();
        fs::write(folder.path().join("a/b/file"), "").unwrap();
        symlink(outside.path(), folder.path().join("linked")).unwrap();
        symlink("b", folder.path().join("a/inside")).unwrap();
        symlink("a/b/file", folder.path().join("alias")).unwrap();
        let handle = File::open(folder.path()).unwrap();
        for (path, opens) in [
            (".", true),
            ("a", true),
            ("./a/./b/file", true),
            ("a//b/file", true),
            ("linked", false),
            ("linked/secret", false),
            ("a/inside/file", false),
            ("alias", false),
            ("..", false),
            ("a/../../x", false),
            ("/etc/passwd", false),
            ("a/b/file/x", false),
            ("missing", false),
        ] {
            for open in [open_beneath, open_by_component] {
                let opened = open(handle.as_fd(), Path::new(path), OFlags::RDONLY, Mode::empty());
                assert_eq!(opened.is_ok(), opens, "{path}: {opened:?}");
            }
        }
    }
}
