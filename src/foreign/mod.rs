//! Files that somebody else may have made: the one way to open them.
//!
//! A project, a state folder that came with it, what a guest left and what a store holds are named by others. Such a name
//! is opened beneath a folder, never through a link, only if it is a regular file or a folder, without waiting for a
//! pipe's other end, and read up to a limit.

mod beneath;
#[cfg_attr(target_os = "macos", path = "resolve_macos.rs")]
mod resolve;
mod walk;

pub use beneath::{Beneath, Entry};
pub use resolve::resolve as open_beneath;
