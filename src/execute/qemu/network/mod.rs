//! The network of a guest that may reach the outside only.
//!
//! The uplink is a process of its own with QEMU's user network. A relay between the guest and the uplink filters each
//! frame. The guest's hypervisor has no network at all.

mod attached_networks;
mod frame_filter;
mod outside;
mod refusal;
mod relay;
mod router;
mod subnet;
mod uplink;

pub use attached_networks::has_v6_route;
pub use uplink::start_uplink;
