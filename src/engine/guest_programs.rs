//! The programs that guests need.

use crate::execute::launcher::HypervisorPrograms;
use crate::nix::Nix;

/// The programs that build and boot guests on this host.
#[derive(Clone, Debug)]
pub struct GuestPrograms {
    /// The Nix that builds runners.
    pub nix: Nix,
    /// The hypervisor that boots guests, with its helpers.
    pub hypervisor: HypervisorPrograms,
    /// Architecture of the host and its guests.
    pub arch: String,
    /// User id of pikaci.
    pub uid: u32,
}
