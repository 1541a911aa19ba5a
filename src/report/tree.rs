//! Notes on a source tree.

use std::path::Path;

use super::plain::one_line;
use crate::plan::select::Unmatched;

/// Returns the note on a glob that matches no file.
#[must_use]
pub fn unmatched(unmatched: &Unmatched<'_>) -> String {
    one_line(&format!("`{}` in `jobs.{}.paths` matches no file of the project", unmatched.glob, unmatched.job))
}

/// Returns the note on a file that is no part of a snapshot.
#[must_use]
pub fn skipped(path: &Path) -> String {
    one_line(&format!("{} is a pipe, a socket or a device: jobs don't see it", path.display()))
}
