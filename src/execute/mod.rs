//! One Execute node: boot a guest or start a command, and collect its result.
//!
//! ```text
//! executor ─▶ vm_job ─▶ vm ─▶ launcher ─▶ qemu::launch, vfkit::launch
//!          └▶ local_job ─▶ local_command
//! ```

mod attempt_disks;
mod channel;
pub mod collect;
pub mod console;
mod ending;
pub mod executor;
pub mod host_context;
mod job_request;
pub mod launcher;
mod local_command;
mod local_job;
pub mod machine;
mod message;
pub mod observed;
pub mod private_copy;
pub mod qemu;
mod running_guest;
pub mod runtime_folder;
pub mod share;
mod stop;
mod supervise;
pub mod verdict;
pub mod vfkit;
pub mod vm;
mod vm_job;
pub mod vm_spec;
