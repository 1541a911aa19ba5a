//! Variables of the environment that no child process inherits.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

static HIDDEN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Hides variables of pikaci's environment from all processes that it starts from now on. The environment of pikaci
/// itself can't be changed while it has threads.
pub fn hide_variables<'a>(names: impl IntoIterator<Item = &'a str>) {
    HIDDEN.lock().unwrap_or_else(PoisonError::into_inner).extend(names.into_iter().map(str::to_owned));
}

/// Returns the hidden variables.
pub(super) fn hidden_variables() -> BTreeSet<String> {
    HIDDEN.lock().unwrap_or_else(PoisonError::into_inner).clone()
}
