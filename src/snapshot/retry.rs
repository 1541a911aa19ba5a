//! Repeats steps on a tree that changes.

use super::error::Error;

/// Number of attempts to read a tree that changes while it is read.
const ATTEMPTS: u32 = 3;

/// Repeats a step while it fails because the tree changed, at most [`ATTEMPTS`] times.
pub(super) fn retry_while_changing<T>(step: impl Fn() -> Result<T, Error>) -> Result<T, Error> {
    for _ in 1..ATTEMPTS {
        match step() {
            Err(Error::Changing { .. }) => {}
            result => return result,
        }
    }
    step()
}
