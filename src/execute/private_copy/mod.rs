//! Private copies of a folder, for users that may change the copy but not the original.
//!
//! They serve hypervisors that can't share a folder read-only, and jobs without a guest. pikaci never walks a copy
//! while a guest uses it: it is created before and removed after.

#[cfg(target_os = "macos")]
mod clone_tree;
mod copy_tree;
mod make_private_copy;
#[cfg(test)]
mod tests;

pub use make_private_copy::make_private_copy;
