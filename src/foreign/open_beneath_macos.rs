//! Opens a path beneath a folder on macOS, which has no single system call for it.

pub use super::open_by_component::open_by_component as open_beneath;
