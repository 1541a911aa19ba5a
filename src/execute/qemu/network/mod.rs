//! The network of a guest that reaches the outside alone: QEMU's user network in a process of its own, and between it
//! and the guest a relay that judges each frame. The guest's own hypervisor has no network at all.

mod attached;
mod judge;
mod refusal;
mod relay;
mod rules;
mod uplink;

pub use attached::has_v6_route;
pub use uplink::{Uplink, start};
