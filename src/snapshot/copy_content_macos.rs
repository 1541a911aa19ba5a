//! Copies the content of files on macOS.
#![expect(clippy::disallowed_types, reason = "copies files")]

use std::fs::File;
use std::io;

/// Copies the content of a file into a new, empty file.
///
/// Reads holes too: APFS reports holes where there is data (GNU bug 61386). A clone would also copy the attributes of the
/// file, for example flags that forbid changes.
///
/// # Errors
/// When the source can't be read or the copy can't be written.
pub fn copy_content(source: &mut File, copy: &mut File) -> io::Result<()> {
    io::copy(source, copy).map(drop)
}
