//! Detects folders that git tracks.
#![expect(clippy::disallowed_methods, reason = "inspects a folder")]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::error::Error;
use super::git;
use super::repository::is_in_repository;

/// Returns the first path in a folder, or the folder itself, that its repository tracks. A missing folder has none.
///
/// # Errors
/// When git is missing or fails.
pub fn tracked_file(folder: &Path) -> Result<Option<String>, Error> {
    let (Some(parent), Some(name)) = (folder.parent(), folder.file_name()) else { return Ok(None) };
    if fs::symlink_metadata(folder).is_err() || !is_in_repository(parent) {
        return Ok(None);
    }
    // Case is ignored because some file systems don't distinguish it.
    let pathspec = [b":(icase,literal)", name.as_bytes()].concat();
    let [list, zero, end] = ["ls-files", "-z", "--"].map(OsStr::new);
    let output = git::run(parent, &[list, zero, end, OsStr::from_bytes(&pathspec)])?;
    let first = output.split(|byte| *byte == 0).find(|path| !path.is_empty());
    Ok(first.map(|path| String::from_utf8_lossy(path).into_owned()))
}
