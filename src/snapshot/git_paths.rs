//! Checks of the paths that git prints: a repository's index may hold any path.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use super::error::Error;

/// Returns the paths of a listing by git, in which each path ends with a zero byte.
///
/// # Errors
/// When a path leads out of the tree or into the `.git` folder of a repository.
pub fn split_listing(output: &[u8]) -> Result<Vec<&[u8]>, Error> {
    let trimmed = output.split(|byte| *byte == 0).map(|path| path.strip_suffix(b"/").unwrap_or(path));
    let paths: Vec<&[u8]> = trimmed.filter(|path| !path.is_empty()).collect();
    paths.iter().try_for_each(|path| check_path(path))?;
    Ok(paths)
}

/// Refuses a path that leads out of the tree or into the `.git` folder of a repository.
pub(super) fn check_path(path: &[u8]) -> Result<(), Error> {
    let is_plain = |name: &[u8]| !matches!(name, b"" | b"." | b"..") && !name.eq_ignore_ascii_case(b".git");
    if path.split(|byte| *byte == b'/').all(is_plain) {
        Ok(())
    } else {
        Err(Error::Path { path: PathBuf::from(OsStr::from_bytes(path)) })
    }
}
