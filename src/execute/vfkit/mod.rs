//! Guests in vfkit: command line, REST service, job slots, and log files that vfkit writes.

mod argv;
mod boot_form;
mod capabilities;
mod hard_stop;
mod launch;
mod pattern_watch;
mod programs;
mod slot;
mod tail_file;
mod vfkit_error;

pub use argv::{Ports, argv};
pub use boot_form::BootForm;
pub use capabilities::CAPABILITIES;
pub(super) use launch::launch;
pub use programs::VfkitPrograms;
pub use tail_file::TailFile;
pub use vfkit_error::VfkitError;
