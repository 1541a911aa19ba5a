//! pikaci: local-first CI that runs each job of a project in a throwaway virtual machine which Nix built and cached.
//!
//! # One way for the data
//!
//! ```text
//! pikaci.nix text ──config──▶ Config ──select──▶ jobs ─┐
//! source tree ────snapshot──▶ SnapshotId ──────────────┼─ plan (pure) ─▶ RunPlanRecord ─▶ plan.json
//! host ───────────host──────▶ HostFacts, options ──────┘        │
//!                                        Prepare: write flake, nix build, GC root
//!                                        Execute: boot VM, run, collect ──▶ events ──▶ records, reports
//! ```
//!
//! Nothing flows back. A plan is a function from values to a value: no file, process, clock, environment or
//! randomness in it. Events say what happened; records and everything printed are folds over events.
//!
//! # The rooms
//!
//! | room | holds | touches |
//! |---|---|---|
//! | [`id`] | newtypes for ids and digests | nothing |
//! | [`config`] | job file text → [`config::Config`] | nothing |
//! | [`flake`] | runner flakes: render, check, digest | nothing |
//! | [`glob`] | globs of `paths` and `artifacts`: what they match | nothing |
//! | [`guest`] | request and streams of a guest, as values | nothing |
//! | [`plan`] | `RunPlanRecord`, its nodes, how it is made | nothing |
//! | [`policy`] | what the operator leaves to a project | nothing |
//! | [`doctor`] | whether jobs can run on this machine, judged | nothing |
//! | [`event`] | what happened, as values | nothing |
//! | [`record`] | `RunRecord`, `JobRecord`: the fold from events | nothing |
//! | [`report`] | everything printed: the fold from records | nothing |
//! | [`host`] | what this machine is and has: `HostFacts` | reads the host |
//! | [`snapshot`] | content-addressed copies of the source tree | files |
//! | [`state`] | the state folder: layout, atomic writes, locks, gc | files |
//! | [`prepare`] | write a rendered flake, `nix build`, GC root | files |
//! | [`execute`] | boot a guest in QEMU or vfkit, run, collect | files, sockets, threads |
//! | [`engine`] | walks a plan and emits events | everything, through the rooms above |
//! | [`cancel`] | the request to end that everything looks at | nothing |
//! | [`quota`] | the bytes that a run may still write | nothing |
//! | [`cli`] | the command line | everything, through the rooms above |
//! | [`nix`] | the nix binary and the store's folders | processes |
//! | [`process`] | process groups that end with pikaci | processes |
//! | [`foreign`] | files that others made: the one way to open them | files |
//! | [`failpoint`] | the steps at which tests kill pikaci | nothing, but in tests |
//!
//! Imports point downwards: `cli → engine → execute → prepare → {host, snapshot} → nix → {process, state} →
//! {failpoint, foreign}`, where each may use all that are right of it; everyone may use the pure rooms, those that touch
//! nothing, and the pure rooms use only each other. `tests/suite/rooms.rs` holds that. Clippy holds what a room touches:
//! `clippy.toml` disallows the methods and types of files, processes, environment, clock and randomness, and a file of
//! a room with effects says at its top which of them it uses and why: `#![expect(clippy::disallowed_methods, reason =
//! "…")]`.
//!
//! What Linux and macOS do in different ways is found out when it runs, or is in files of its own, which are chosen where
//! their module is declared. `make darwin` checks what is there for macOS.

// templates/askama.toml names the escaper by a path that holds in the tests' crate too.
extern crate self as pikaci;

pub mod cancel;
pub mod cli;
pub mod config;
pub mod doctor;
pub mod engine;
pub mod event;
pub mod execute;
pub mod failpoint;
pub mod flake;
pub mod foreign;
pub mod glob;
pub mod guest;
pub mod host;
pub mod id;
pub mod nix;
pub mod plan;
pub mod policy;
pub mod prepare;
pub mod process;
pub mod quota;
pub mod record;
pub mod report;
pub mod snapshot;
pub mod state;
