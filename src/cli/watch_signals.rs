//! Signals as cancel requests.

#![expect(clippy::disallowed_methods, reason = "starts a thread that waits for signals")]

use std::sync::Arc;

use anyhow::{Context as _, Result};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::cancel::Cancel;
use crate::process::ignored_signals;

/// Turns signals into cancel requests: the first one is polite, the second one kills. Signals that the parent of pikaci
/// ignores stay ignored.
pub fn watch_signals() -> Result<Arc<Cancel>> {
    let cancel = Arc::new(Cancel::default());
    let ignored = ignored_signals();
    let watched = [SIGHUP, SIGINT, SIGTERM].into_iter().filter(|signal| !ignored.contains(signal));
    let mut signals = Signals::new(watched).context("listening for signals")?;
    let requests = Arc::clone(&cancel);
    std::thread::spawn(move || {
        for signal in signals.forever() {
            requests.request(signal);
        }
    });
    Ok(cancel)
}
