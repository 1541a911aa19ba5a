//! Reports of interrupted runs.

use crate::cli::failure::Failure;
use crate::cli::output::eprint_line;
use crate::engine::recover_interrupted;
use crate::state::RunStore;

/// Records the end of each interrupted run, and prints a line about it.
pub fn report_interrupted(store: &RunStore) -> Result<(), Failure> {
    for run in recover_interrupted(store)? {
        eprint_line(&format_args!("run {run} was interrupted; its end is now recorded"));
    }
    Ok(())
}

/// Records and reports interrupted runs if the state folder is writable, for commands that only read.
pub fn report_interrupted_if_writable(store: &RunStore) {
    report_interrupted(store).ok();
}
