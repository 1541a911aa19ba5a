//! The link to the newest run, for people and their programs: pikaci itself never follows it.

#![expect(clippy::disallowed_methods, reason = "makes and removes a link")]

use std::fs;
use std::io;
use std::os::unix::fs::symlink;

use rustix::fs::{FileType, rename};

use super::run_store::RunStore;
use super::state_layout::StateLayout;
use crate::id::RunId;

/// Name of the link before it is renamed into its place.
const NEW_LINK: &str = ".latest";

/// Makes `latest` a link to the folder of a run, in place of an earlier link.
///
/// # Errors
/// When the link can't be made: a file system may have none.
pub fn link_latest_run(state: &StateLayout, run: &RunId) -> io::Result<()> {
    let new = state.folder().join(NEW_LINK);
    let path = new.checked()?;
    // A killed process may have left it.
    fs::remove_file(path).ok();
    symlink(state.run(run).root().relative(), path)?;
    // Not a durable step: no part of pikaci reads the link.
    Ok(rename(path, state.latest_run().as_os_str())?)
}

/// Makes `latest` a link to the newest remaining run, or removes it, if its run is gone.
pub(super) fn renew_latest_run(store: &RunStore) {
    let link = store.state().latest_run();
    if !link.kind().is_ok_and(|kind| kind == FileType::Symlink) || link.exists() {
        return;
    }
    // Only the convenience of the link is lost.
    match store.ids().ok().and_then(|ids| ids.last().cloned()) {
        Some(newest) => link_latest_run(store.state(), &newest).ok(),
        None => fs::remove_file(&link).ok(),
    };
}
