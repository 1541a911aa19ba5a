//! Guests in vfkit: command line, REST service, network slots, and logs that grow in files.

mod argv;
mod boot_form;
mod capabilities;
mod launch;
mod pattern_watch;
mod programs;
mod rest;
mod slot;
mod tail_file;
mod vfkit_error;

pub use argv::{Ports, argv};
pub use boot_form::BootForm;
pub use capabilities::CAPABILITIES;
pub(super) use launch::launch;
pub use programs::VfkitPrograms;
pub use tail_file::TailFile;
pub use vfkit_error::{LONGEST_SOCKET, VfkitError};
