//! Tests that boot guests, in QEMU or in the stand-in for vfkit.

mod artifacts;
mod caches;
mod cancel;
mod checks;
#[cfg(feature = "failpoints")]
mod concurrent_runs;
mod containers;
mod contract;
mod control_group;
mod deadlines;
mod disk;
mod disk_full;
mod doctor_kvm;
mod events;
mod exec;
mod follow;
mod git;
mod guest_faults;
mod guest_machine;
mod guest_wait;
mod hostile;
mod init;
mod jail;
mod jobs;
#[cfg(feature = "failpoints")]
mod killed;
mod language;
mod many_files;
mod network;
mod nix_base;
mod own_jobs;
mod package;
mod plain_user;
mod prepare;
mod readme;
mod recording_faults;
mod remote;
mod rerun;
mod schedule;
mod secrets;
mod snapshot;
mod vfkit;
mod vfkit_stand_in;
