//! Notes about a source tree.

use std::path::Path;

use crate::plan::UnmatchedGlob;
use crate::text::one_line;

/// Returns the warning about a glob that matches no file.
#[must_use]
pub fn unmatched_glob(unmatched: &UnmatchedGlob<'_>) -> String {
    one_line(&format!("`{}` in `{}` matches no file of the project", unmatched.glob, unmatched.key))
}

/// Returns the note about a file that snapshots don't contain.
#[must_use]
pub fn skipped_file(path: &Path) -> String {
    one_line(&format!("{} is a pipe, a socket or a device: jobs don't get it", path.display()))
}
