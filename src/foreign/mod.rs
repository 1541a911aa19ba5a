//! Opens files that somebody else may have made; no other room opens them.
//!
//! A project, a state folder that came with it, the output of a guest and the content of a store have names that others
//! chose. Such a name is opened beneath a folder and never through a link. Only regular files and folders are opened,
//! without waiting for the other end of a pipe, and files are read up to a limit.

mod beneath;
#[cfg_attr(target_os = "macos", path = "open_beneath_macos.rs")]
mod open_beneath;
mod open_by_component;

pub use beneath::{Beneath, FolderEntry};
pub use open_beneath::open_beneath;
