//! Caches of an attempt: their content before the job, and new generations after it.

mod cache_host;
mod guest_caches;
mod guest_layers;
mod local_caches;
mod tree_state;

pub use cache_host::CacheHost;
pub(super) use guest_caches::GuestCaches;
pub(super) use local_caches::LocalCaches;
