//! The names at the top of a source tree.

use std::collections::BTreeSet;
use std::path::Path;

use super::error::Error;
use super::list::list;

/// Returns the names of the files and folders at the top of a source tree that a snapshot of it would have, without
/// those that aren't UTF-8. Reads no content.
///
/// # Errors
/// When the tree can't be listed.
pub fn top_names(source_root: &Path, state_root: &Path) -> Result<BTreeSet<String>, Error> {
    let listing = list(source_root, state_root, None, None)?;
    let tops = listing.entries.iter().filter_map(|entry| entry.path.split(|byte| *byte == b'/').next());
    Ok(tops.filter_map(|name| Some(std::str::from_utf8(name).ok()?.to_owned())).collect())
}
