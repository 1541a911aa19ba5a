//! Tests that run pikaci on job files and records made by hand: on any Linux, as any user, without Nix and QEMU.

mod artifacts;
mod caches;
mod clock;
mod completions;
mod config;
mod disk_quota;
mod escapes;
mod events;
mod exit_codes;
mod follow;
mod formats;
mod gc;
mod gc_concurrent;
mod guest;
mod hints;
mod hostile_git;
mod hostile_state;
mod init;
mod inputs;
mod install;
mod interrupted;
mod job_file;
mod json_job_file;
#[cfg(feature = "failpoints")]
mod killed;
mod language;
mod local;
mod plan;
mod policy;
mod recording_faults;
mod rerun;
mod result_cache;
mod selection;
mod settings;
mod vfkit_parser;
mod views;
