//! The base of a guest.

use crate::config::{Base, Guest};

/// Returns the base of a guest: the one in the job file, or the default on a host with this Nix system.
#[must_use]
pub fn guest_base(guest: &Guest, system: &str) -> Base {
    let default = if system.ends_with("-linux") || guest.kernel.is_some() { Base::Host } else { Base::Nixos };
    guest.base.unwrap_or(default)
}
