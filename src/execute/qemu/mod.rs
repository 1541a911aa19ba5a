//! Guests in QEMU: command line, jail, monitor, shares, network, and the probe of KVM.

mod accelerator;
mod argv;
mod capabilities;
mod guest_file;
pub mod jail;
pub mod kvm_probe;
mod launch;
pub mod network;
mod open_file_limit;
mod package_files;
mod probe_kernel;
mod programs;
pub mod qmp;
mod userland;
mod virtiofs;

pub use accelerator::Accelerator;
pub use capabilities::CAPABILITIES;
pub(super) use launch::launch;
pub use open_file_limit::{open_file_limit, reached_open_file_limit};
pub use programs::{QemuProgram, QemuPrograms};
pub use virtiofs::VirtiofsProgram;
