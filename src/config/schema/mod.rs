//! Schema of a job file: validates types, ranges, names and references of an evaluated value and returns the
//! [`Config`](crate::config::Config). Validation continues after an error, so that it reports all of them.

mod artifacts;
mod cache;
mod cache_keys;
mod command;
mod env;
mod file_keys;
mod globs;
mod group;
mod guest;
mod guest_keys;
mod inner_keys;
mod input;
mod job;
mod keys;
mod matrix;
mod read;
mod reader;
mod reference;
mod references;
mod secret;
mod service;
mod sizes;
mod snapshot;
mod target;
mod timeout;
mod userland;

pub(super) use read::read;
pub use reference::reference;
