//! Starts of processes, one at a time.

use std::sync::{Mutex, PoisonError};

use anyhow::{Result, anyhow};

use super::LandlockRules;
use super::landlock::confine_thread;

/// Runs a step that makes a pipe or starts a process, while no other such step runs.
///
/// macOS marks a pipe as closed on exec only after it made the pipe. A process that starts in between inherits the
/// pipe, and keeps a group alive that should end with pikaci.
pub(super) fn with_start_lock<T>(step: impl FnOnce() -> T) -> T {
    static STARTING: Mutex<()> = Mutex::new(());
    let _guard = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    step()
}

/// Starts a process. A confined process starts from a thread of its own, because Landlock confines the thread too.
pub(super) fn start(expression: &duct::Expression, rules: Option<&LandlockRules>) -> Result<duct::Handle> {
    let Some(rules) = rules else { return Ok(expression.start()?) };
    let confined = || confine_thread(rules).and_then(|()| Ok(expression.start()?));
    std::thread::scope(|scope| scope.spawn(confined).join()).map_err(|_| anyhow!("a thread panicked"))?
}
