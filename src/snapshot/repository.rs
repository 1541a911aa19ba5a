//! Detects git repositories without running git.
#![expect(clippy::disallowed_methods, reason = "inspects .git")]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::foreign::Beneath;

/// The longest file `.git` that is read, in bytes.
const LINK_LIMIT: u64 = 16 << 10;

/// Returns whether git would detect a repository from a folder: in the folder or above it, on the same file system.
pub(super) fn is_in_repository(folder: &Path) -> bool {
    let device = |path: &Path| fs::metadata(path).map(|meta| meta.dev()).ok();
    let Ok(folder) = folder.canonicalize() else { return false };
    let mut ancestors = folder.ancestors().take_while(|ancestor| device(ancestor) == device(&folder));
    ancestors.find_map(has_repository).unwrap_or(false)
}

/// Returns whether a folder is the top of a repository.
#[must_use]
pub fn is_repository_top(folder: &Path) -> bool {
    has_repository(folder) == Some(true)
}

/// Returns whether the `.git` of a folder leads to a repository; `None` where git goes on to the parent folder.
fn has_repository(folder: &Path) -> Option<bool> {
    let git = folder.join(".git");
    let has_head = |folder: &Path| fs::symlink_metadata(folder.join("HEAD")).is_ok();
    if fs::metadata(&git).ok()?.is_dir() {
        return has_head(&git).then_some(true);
    }
    // In a worktree or a submodule `.git` is a file that names the repository, which may be missing.
    let text = Beneath::new(folder).join(".git").read(LINK_LIMIT).ok()?;
    let target = text.strip_prefix(b"gitdir: ")?.trim_ascii_end();
    Some(has_head(&folder.join(OsStr::from_bytes(target))))
}
