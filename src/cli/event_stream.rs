//! Events on standard output, as they happen. A thread of its own prints them, so that a slow reader doesn't delay the
//! run.

#![expect(clippy::disallowed_methods, reason = "starts a thread")]

use std::sync::mpsc::{Receiver, Sender, channel};

use crate::cancel::{Cancel, Urgency};
use crate::cli::failure::Failure;
use crate::cli::output::print_json_line;
use crate::event::Event;

/// A thread that prints the events of a run.
pub struct EventStream {
    lines: Sender<String>,
    ends: Sender<Result<(), Failure>>,
    end: Receiver<Result<(), Failure>>,
}

impl EventStream {
    /// Starts the thread.
    pub fn start() -> Self {
        let (lines, queue) = channel::<String>();
        let (ends, end) = channel();
        let printed = ends.clone();
        std::thread::spawn(move || {
            // `end` may have stopped waiting for the result.
            printed.send(queue.iter().try_for_each(|line| print_json_line(&line))).ok();
        });
        Self { lines, ends, end }
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
        let Self { lines, ends, end } = self;
        drop(lines);
        // Sending fails only after the end of the wait.
        let _subscription = cancel.subscribe(Urgency::Kill, move || ends.send(Ok(())).unwrap_or_default());
        end.recv().unwrap_or(Ok(()))
    }
}
