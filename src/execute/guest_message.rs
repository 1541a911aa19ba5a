//! Messages about a running guest.

use crate::guest::ControlLine;

/// A message about a running guest.
#[derive(Debug)]
pub enum GuestMessage {
    /// A line of the control channel.
    Control(ControlLine),
    /// The control channel had more lines than an agent sends; the rest is dropped.
    Flood,
    /// The hypervisor's reason to shut down.
    Shutdown(String),
    /// The console shows a panic, after which the guest does nothing more.
    Panicked,
    /// The exit of the hypervisor.
    HypervisorEnded(String),
    /// The exit of a share's daemon: tag, exit, and true for a success.
    ShareEnded(String, String, bool),
    /// The exit of the process for the guest's network.
    NetworkEnded(String),
    /// The run received a cancel request.
    CancelRequested,
}
