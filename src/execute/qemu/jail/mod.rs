//! The jails of hypervisors and of the daemons of shares.

mod bwrap_args;
mod jail_choice;
mod jail_user;
mod jailed_program;

pub use bwrap_args::etc_folders;
pub use jail_choice::{Jail, JailChoice, Jails, bwrap_fault};
pub use jail_user::{is_readable_by_all, jail_user};
pub use jailed_program::{JailedQemu, jail_qemu, jail_share_daemon};
