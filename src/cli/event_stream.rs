//! Events on standard output, as they happen. A thread of its own prints them, so that a slow reader doesn't delay the
//! run.

#![expect(clippy::disallowed_methods, reason = "starts a thread")]

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};

use crate::cancel::{CANCEL_POLL, Cancel, Urgency};
use crate::cli::failure::Failure;
use crate::cli::output::print_json_line;
use crate::event::Event;

/// A thread that prints the events of a run.
pub struct EventStream {
    lines: Sender<String>,
    printed: Receiver<Result<(), Failure>>,
}

impl EventStream {
    /// Starts the thread.
    pub fn start() -> Self {
        let (lines, queue) = channel::<String>();
        let (sender, printed) = channel();
        std::thread::spawn(move || {
            // `end` may have stopped waiting for the result.
            sender.send(queue.iter().try_for_each(|line| print_json_line(&line))).ok();
        });
        Self { lines, printed }
    }

    /// Queues an event for printing.
    pub fn print(&self, event: &Event) {
        // The recorder reports an event that can't be encoded.
        if let Ok(line) = event.to_line() {
            // Sending fails only after a failed write, which `end` returns.
            self.lines.send(line).ok();
        }
    }

    /// Waits until all events are printed, or until the second cancel request.
    pub fn end(self, cancel: &Cancel) -> Result<(), Failure> {
        drop(self.lines);
        loop {
            match self.printed.recv_timeout(CANCEL_POLL) {
                Ok(printed) => return printed,
                Err(RecvTimeoutError::Timeout) if cancel.urgency() < Urgency::Kill => {}
                Err(_) => return Ok(()),
            }
        }
    }
}
