//! Gathers the facts about this host before a plan is made. Reads the host and writes nothing.
//!
//! A [`HashCache`] keeps every fact that costs more than a `stat`, so that a second run reads neither the kernel nor its
//! modules again.

mod blob;
mod busybox;
mod bytes;
mod bzimage;
mod cached_file;
mod elf;
mod facts_request;
mod file_stamp;
mod free_disk;
mod gather_facts;
mod hash_cache;
mod kernel;
mod memory;
mod modules;
mod os_release;
mod packages;
mod release;
#[cfg(test)]
mod tests;
mod tools;
mod userland_digest;

pub use blob::decode;
pub use facts_request::{FactsRequest, system};
pub use free_disk::free_disk;
pub use gather_facts::gather_facts;
pub use hash_cache::HashCache;
pub use memory::available_memory_mib;
pub use tools::search_path;
