//! Events on standard output as they happen, in a thread of its own: a reader that is slow holds up nothing.

#![expect(clippy::disallowed_methods, reason = "starts a thread")]

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use crate::cancel::{Cancel, Urgency};
use crate::cli::failure::Failure;
use crate::cli::output::print_json_line;
use crate::event::Event;

/// How often to look whether the end is asked for.
const TICK: Duration = Duration::from_millis(50);

/// What is shown of a run to programs.
pub struct Stream {
    lines: Sender<String>,
    written: Receiver<Result<(), Failure>>,
}

impl Stream {
    /// Begins to show.
    pub fn start() -> Self {
        let (lines, happened) = channel::<String>();
        let (told, written) = channel();
        std::thread::spawn(move || {
            // Whoever waits for it is there until it has come.
            told.send(happened.iter().try_for_each(|line| print_json_line(&line))).ok();
        });
        Self { lines, written }
    }

    /// Shows an event.
    pub fn show(&self, event: &Event) {
        // One that JSON can't hold has failed to be recorded too.
        if let Ok(line) = event.to_line() {
            // Nobody takes it where nothing can be written any more, and the end will tell.
            self.lines.send(line).ok();
        }
    }

    /// Waits until everything is written, or until the second request to end.
    pub fn end(self, cancel: &Cancel) -> Result<(), Failure> {
        drop(self.lines);
        loop {
            match self.written.recv_timeout(TICK) {
                Ok(written) => return written,
                Err(RecvTimeoutError::Timeout) if cancel.urgency() < Urgency::Now => {}
                Err(_) => return Ok(()),
            }
        }
    }
}
