//! One Execute node: boot a guest, run its command, bring back what it made.

pub mod accelerator;
pub mod channel;
pub mod collect;
pub mod console;
mod ending;
pub mod follow;
mod image;
pub mod jail;
pub mod launch;
pub mod local;
pub mod machine;
pub mod network;
pub mod observed;
pub mod open_files;
mod package_files;
pub mod private_copy;
pub mod qemu;
pub mod qmp;
pub mod rest;
pub mod runtime;
pub mod share;
mod slot;
mod smallest;
mod supervise;
pub mod verdict;
pub mod vfkit;
pub mod vm;
