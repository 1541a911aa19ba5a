//! A running guest.

#![expect(clippy::disallowed_methods, reason = "waits for processes on threads")]

use std::ops::Deref;
use std::sync::mpsc::SyncSender;

use super::guest_message::GuestMessage;
use super::stop_guest::StopGuest;
use crate::cancel::{Cancel, Subscription, Urgency};
use crate::process::{Child, CopyThread, describe_exit};

/// A running guest.
pub(super) struct RunningGuest {
    /// The means to stop its hypervisor.
    pub(super) stop: Box<dyn StopGuest>,
    /// The copy of the job's output into its log.
    pub(super) output: CopyThread,
    /// The copy of the console into its log.
    pub(super) console: CopyThread,
}

/// Sends a message at each cancel request.
pub(super) fn report_cancel(cancel: &Cancel, sender: SyncSender<GuestMessage>) -> Subscription<'_> {
    cancel.subscribe(Urgency::Polite, move || {
        // A full queue wakes the supervisor, too.
        sender.try_send(GuestMessage::CancelRequested).ok();
    })
}

/// Sends a message when a process exits. `message` gets the description of the exit, and true for a success.
pub(super) fn report_exit(
    child: impl Deref<Target = Child> + Send + 'static,
    sender: SyncSender<GuestMessage>,
    message: impl FnOnce(String, bool) -> GuestMessage + Send + 'static,
) {
    std::thread::spawn(move || {
        let (exit, is_success) = child
            .wait()
            .map_or_else(|error| (format!("{error:#}"), false), |status| (describe_exit(status), status.success()));
        sender.send(message(exit, is_success)).ok();
    });
}
