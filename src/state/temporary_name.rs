//! Names of temporary files and folders.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

/// Prefix of the names of temporary files and folders; after a crash they can be removed.
pub const TEMPORARY_PREFIX: &str = ".tmp-";

/// Returns whether a name begins with [`TEMPORARY_PREFIX`].
pub(crate) fn is_temporary(name: &OsStr) -> bool {
    name.as_bytes().starts_with(TEMPORARY_PREFIX.as_bytes())
}
