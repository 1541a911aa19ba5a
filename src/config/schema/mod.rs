//! Schema of a job file: validates types, ranges, names and references of an evaluated value and returns the
//! [`Config`](crate::config::Config). Validation continues after an error, so that it reports all of them.

mod guest;
mod job;
mod keys;
mod read;
mod reader;
mod references;
mod target;
mod timeout;
mod userland;

pub(super) use read::read;
