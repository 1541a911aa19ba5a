//! The jails of hypervisors and of the daemons of shares.

mod choice;
mod enter;
mod place;
mod user;

pub use choice::{Jail, JailChoice, Jails, fault};
pub use enter::{Qemu, qemu, share};
pub use place::etc_folders;
pub use user::{is_readable_by_all, own_user};
