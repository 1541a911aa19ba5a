//! Guests in QEMU: command line, jail, monitor, shares, network, and the choice of an accelerator.

mod accelerator;
mod argv;
mod capabilities;
mod image;
pub mod jail;
pub mod kvm_probe;
mod launch;
mod network;
mod open_files;
mod package_files;
mod probe_kernel;
mod programs;
pub mod qmp;
mod virtiofs;

pub use accelerator::Accelerator;
pub use capabilities::CAPABILITIES;
pub(super) use launch::launch;
pub use open_files::{open_files, reached_limit};
pub use programs::{QemuProgram, QemuPrograms};
pub use virtiofs::VirtiofsProgram;
