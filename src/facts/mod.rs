//! Facts about the host that a plan depends on, as values. Pure.

mod blob;
mod host_facts;
mod host_program;
mod kernel;
mod os_release;

pub use blob::{BlobRef, Encoding};
pub use host_facts::{HostFacts, MissingFact};
pub use host_program::HostProgram;
pub use kernel::{Kernel, Module};
pub use os_release::OsRelease;
