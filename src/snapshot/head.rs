//! The commit of a source tree.

use std::path::Path;

use super::error::Error;
use super::git_status::{is_change, status};
use super::repository::is_in_repository;

/// The commit that is checked out in a source tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Id of the commit; `None` before the first commit.
    pub commit: Option<String>,
    /// True if the working tree or the index differs from the commit, or if there are untracked files.
    pub dirty: bool,
}

/// Returns the commit that is checked out in a source tree; `None` outside a git repository.
///
/// # Errors
/// When git is missing or fails.
pub fn head(source_root: &Path) -> Result<Option<Head>, Error> {
    if !is_in_repository(source_root) {
        return Ok(None);
    }
    let output = status(source_root, "--untracked-files=normal")?;
    let (mut commit, mut dirty) = (None, false);
    for line in output.split(|byte| *byte == 0).filter(|line| !line.is_empty()) {
        match line.strip_prefix(b"# branch.oid ") {
            Some(b"(initial)") => {}
            Some(oid) => commit = Some(String::from_utf8_lossy(oid).into_owned()),
            None => dirty |= is_change(line),
        }
    }
    Ok(Some(Head { commit, dirty }))
}
