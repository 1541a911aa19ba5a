#![expect(clippy::disallowed_types, reason = "copies files")]
//! What macOS offers to copy much.

use std::fs::File;
use std::io;

/// Copies what a file holds into a new, empty one.
///
/// All of it: APFS tells of holes where there is data (GNU bug 61386). A clone would be a new file with more than the
/// content of the old one, with flags that forbid to change it for instance.
///
/// # Errors
/// When the file can't be read or the new one not be written.
pub fn copy_content(source: &mut File, copy: &mut File) -> io::Result<()> {
    io::copy(source, copy).map(drop)
}
