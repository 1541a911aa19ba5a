//! One attempt at a job: boots a guest or starts a command, and collects the result.
//!
//! ```text
//! executor ─▶ vm_job ─▶ vm ─▶ launcher ─▶ qemu::launch, vfkit::launch
//!          └▶ local_job ─▶ local_command
//! ```

mod add_artifacts;
mod attempt_disks;
pub mod attempt_logs;
pub mod collect;
pub mod console;
mod control_masks;
pub mod executor;
pub mod ext4;
mod guest_message;
mod guest_shutdown;
pub mod host_context;
pub mod job_caches;
pub mod job_inputs;
mod job_progress;
mod job_request;
mod job_secrets;
pub mod launcher;
mod local_command;
mod local_job;
mod local_secrets;
mod local_services;
mod local_steps;
pub mod machine_spec;
#[cfg_attr(target_os = "macos", path = "memory_file_macos.rs")]
mod memory_file;
pub mod observed;
pub mod private_copy;
pub mod qemu;
mod running_guest;
pub mod runtime_folder;
pub mod share;
mod stop_guest;
mod stream_readers;
mod supervise;
pub mod verdict;
pub mod vfkit;
pub mod vm;
mod vm_job;
pub mod vm_spec;
pub mod writable_disk;
