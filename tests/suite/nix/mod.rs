//! Tests that need Nix or another tool that `.ci/setup test` installs, or root, but boot no guest.

mod cancel;
mod checks;
mod clock;
mod config;
mod deadlines;
mod disk_budget;
mod disk_full;
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
mod glob;
mod guest;
mod guest_faults;
mod host_kernel;
mod hostile_git;
mod hostile_state;
mod interrupted;
mod jail;
#[cfg(feature = "failpoints")]
mod killed;
mod local_inputs;
mod make_install;
mod many_runs;
mod mk_checks;
mod modules;
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
