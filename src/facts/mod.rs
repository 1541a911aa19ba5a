//! Facts about the host that a plan depends on, as values. Pure.

mod blob;
mod host_facts;
mod kernel;
mod os_release;

pub use blob::{BlobRef, Encoding};
pub use host_facts::{HostFacts, MissingFact};
pub use kernel::{Kernel, Module};
pub use os_release::OsRelease;
