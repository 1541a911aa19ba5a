//! Paths relative to a source tree, as the bytes of the file system.
#![expect(clippy::disallowed_methods, reason = "resolves the paths of the source tree and the state folder")]

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// Returns the full path of a path of the tree.
pub(super) fn join(root: &Path, path: &[u8]) -> PathBuf {
    if path.is_empty() { root.to_owned() } else { root.join(OsStr::from_bytes(path)) }
}

/// Joins a name to a folder of the tree; the empty folder is the tree itself.
pub(super) fn join_bytes(folder: &[u8], name: &[u8]) -> Vec<u8> {
    if folder.is_empty() { name.to_vec() } else { [folder, name].join(b"/".as_slice()) }
}

/// Returns the folders above a path, outermost first, without the tree itself.
pub(super) fn parents(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| &path[..at])
}

/// Returns whether a path is a folder or lies in it.
pub(super) fn is_within(path: &[u8], folder: &[u8]) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
}

/// Returns the path of the state folder relative to the tree, if the state folder lies in the tree.
pub(super) fn state_folder_path(root: &Path, state_root: &Path) -> Option<Vec<u8>> {
    let (root, state) = (root.canonicalize().ok()?, state_root.canonicalize().ok()?);
    Some(state.strip_prefix(root).ok()?.as_os_str().as_bytes().to_vec())
}
