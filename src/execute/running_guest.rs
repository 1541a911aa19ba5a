//! A guest that was started.

#![expect(clippy::disallowed_methods, reason = "waits for processes on threads")]

use std::ops::Deref;
use std::sync::mpsc::SyncSender;

use super::message::Message;
use super::stop::Stop;
use crate::process::{Child, Copying, ending};

/// A guest that was started.
pub(super) struct RunningGuest {
    /// The means to stop its hypervisor.
    pub(super) stop: Box<dyn Stop>,
    /// The copy of the job's output into its log.
    pub(super) output: Copying,
    /// The copy of the console into its log.
    pub(super) console: Copying,
}

/// Sends a message when a process exits: the message gets the words for the exit, and true for a success.
pub(super) fn report_exit(
    child: impl Deref<Target = Child> + Send + 'static,
    sender: SyncSender<Message>,
    message: impl FnOnce(String, bool) -> Message + Send + 'static,
) {
    std::thread::spawn(move || {
        let (ended, is_success) = child
            .wait()
            .map_or_else(|error| (format!("{error:#}"), false), |status| (ending(status), status.success()));
        sender.send(message(ended, is_success)).ok();
    });
}
