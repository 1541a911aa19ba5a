//! The one harness of the tests that need more than a module: the real binary, real Nix, real virtual machines.

#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "tests touch the world")]
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod artifacts;
mod asking;
mod cancel;
mod checking;
mod checks;
mod clock;
mod config;
mod containers;
mod contract;
mod control_group;
mod deadlines;
mod disk_budget;
mod disk_full;
mod diskless;
mod doctor;
mod doctor_kvm;
mod dogfood;
#[cfg(feature = "failpoints")]
mod durable;
mod evaluate;
mod events;
mod exec;
mod exit;
mod exits;
mod fault;
mod fixture;
mod flake;
mod follow;
mod formats;
mod gc;
mod gc_beside;
mod glob;
mod guest;
mod hostile;
mod hostile_git;
mod hostile_state;
mod interrupted;
mod jail;
mod json_schema;
#[cfg(feature = "failpoints")]
mod killed;
#[cfg(feature = "failpoints")]
mod killing;
mod local;
mod local_inputs;
mod locks;
mod look;
mod many_files;
mod many_runs;
mod mk_checks;
mod modules;
mod modules_real;
mod network;
mod nix_base;
mod package;
mod plain_user;
mod plan;
mod policy;
mod prepare;
mod processes;
mod project;
mod read_only;
mod readme;
mod records;
mod remote;
mod repository;
mod rerun;
mod rooms;
mod schedule;
mod settings;
mod setup;
mod setup_fault;
mod snapshot;
mod stand_in;
#[cfg(feature = "failpoints")]
mod together;
mod upwards;
mod usable;
mod vfkit;
mod vfkit_guest;
mod vfkit_parser;
mod vfkit_stand_in;
mod vm;
mod wait;
