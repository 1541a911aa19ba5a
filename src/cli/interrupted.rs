//! Reports of runs that were interrupted.

use crate::cli::failure::Failure;
use crate::cli::output::eprint_line;
use crate::engine::recover_interrupted;
use crate::state::StateLayout;

/// Records the end of each run whose process has ended, and reports it.
pub fn report_interrupted(state: &StateLayout) -> Result<(), Failure> {
    for run in recover_interrupted(state)? {
        eprint_line(&format_args!("run {run} was interrupted; its record says so now"));
    }
    Ok(())
}

/// Does the same for commands that only read: a state folder that can't be written is no failure.
pub fn report_interrupted_if_writable(state: &StateLayout) {
    report_interrupted(state).ok();
}
