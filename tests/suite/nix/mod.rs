//! Tests that need Nix or another tool that `.ci/setup test` installs, or root, but boot no guest.

mod cancel;
mod checked_job_file;
mod checks;
mod clock;
mod config;
mod deadlines;
mod disk_full;
mod disk_quota;
mod doctor;
#[cfg(feature = "failpoints")]
mod durable;
pub mod evaluate;
mod events;
mod exit_codes;
mod flake;
mod flake_locks;
mod formats;
mod gc;
mod gc_concurrent;
mod generated_job_files;
mod glob;
mod guest;
mod guest_faults;
mod host_kernel;
mod hostile_git;
mod hostile_state;
mod init;
mod interrupted;
mod jail;
mod job_file;
#[cfg(feature = "failpoints")]
mod killed;
mod local_inputs;
mod make;
mod many_runs;
mod mk_checks;
mod modules;
#[cfg(feature = "real-inputs")]
mod modules_real;
mod package;
mod plain_user;
mod plan;
mod policy;
mod prepare;
mod project_tools;
mod prompts;
mod read_only;
mod remote;
mod setup;
mod snapshot;
mod vfkit;
mod views;
