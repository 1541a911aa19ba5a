//! Opening a path beneath a folder: macOS's way, which has no single call for it.

pub use super::walk::walk as resolve;
