//! pikaci: local-first CI that runs each job of a project in a throwaway virtual machine which Nix built and cached.
//!
//! # Direction of the data
//!
//! ```text
//! pikaci.nix text ──config──▶ Config ──select──▶ jobs ─┐
//! source tree ────snapshot──▶ SnapshotId ──────────────┼─ plan (pure) ─▶ RunPlanRecord ─▶ plan.json
//! host ───────────host──────▶ HostFacts, options ──────┘        │
//!                                        Prepare: write flake, nix build, GC root
//!                                        Execute: boot VM, run, collect ──▶ events ──▶ records, reports
//! ```
//!
//! No data flows back. A plan is a function from values to a value: it uses no file, process, clock, environment or
//! randomness. Events record everything that happens in a run; records and reports are folds over events.
//!
//! # Rooms
//!
//! A room is a module of this crate. A pure room has no effects: it uses values only. Each may use the pure rooms
//! above it in this table:
//!
//! | pure room | contents |
//! |---|---|
//! | [`text`] | text for people and shells: quoting, plain text, escapes, sizes |
//! | [`id`] | newtypes for ids and digests |
//! | [`glob`] | globs of `paths` and `artifacts` |
//! | [`quota`] | the bytes that a run may still write |
//! | [`secret`] | the values of secrets, and the masking of output |
//! | [`cancel`] | the cancel request, which all threads of a run read |
//! | [`tools`] | programs that pikaci runs, their versions, findings |
//! | [`facts`] | facts about the host: system, kernels, operating system |
//! | [`guest`] | the contract with a guest: requests and control lines |
//! | [`config`] | the job file: from its text to a [`config::Config`] |
//! | [`init`] | a first job file from the files of a project |
//! | [`flake`] | runner flakes: rendering, checks, digests |
//! | [`plan`] | selection of jobs, plans and their nodes |
//! | [`policy`] | the operator's limits on what a job file may choose |
//! | [`event`] | events, outcomes and statuses of a run |
//! | [`record`] | records of runs and jobs, retention, results of gc |
//! | [`doctor`] | findings about this host from its probe results |
//! | [`report`] | records, plans and findings as text for people |
//!
//! The other rooms have effects. Each may use the rooms below its line in this table, and all pure rooms:
//!
//! | room | contents | effects |
//! |---|---|---|
//! | [`cli`] | the command line | all, through the rooms below |
//! | [`engine`] | the walk through a plan, which emits events | all, through the rooms below |
//! | [`execute`] | guests in QEMU or vfkit, jobs, collection of artifacts | files, sockets, threads |
//! | [`prepare`] | builds of runners: flake, `nix build`, GC root | files |
//! | [`host`], [`snapshot`] | facts about the host; copies of the source tree | files |
//! | [`nix`] | the nix program and the folders of the store | processes |
//! | [`process`], [`state`] | process groups; the state folder: layout, writes, locks, gc | processes; files |
//! | [`failpoint`], [`foreign`] | failures for tests; opening of files of other users | only in tests; files |
//!
//! `tests/suite/house/rooms.rs` checks the order of the rooms. Clippy checks their effects: `clippy.toml` disallows the
//! methods and types of files, processes, environment, clock and randomness. A file with effects names them at its top,
//! with the reason: `#![expect(clippy::disallowed_methods, reason = "…")]`.
//!
//! Differences between Linux and macOS are detected at run time, or lie in files of their own, which are chosen at the
//! declaration of their module. `make darwin` checks the code for macOS.

// templates/askama.toml names the escaper by a path that holds in the tests' crate too.
extern crate self as pikaci;

pub mod cancel;
pub mod cli;
pub mod config;
pub mod doctor;
pub mod engine;
pub mod event;
pub mod execute;
pub mod facts;
pub mod failpoint;
pub mod flake;
pub mod foreign;
pub mod glob;
pub mod guest;
pub mod host;
pub mod id;
pub mod init;
pub mod nix;
pub mod plan;
pub mod policy;
pub mod prepare;
pub mod process;
pub mod quota;
pub mod record;
pub mod report;
pub mod secret;
pub mod snapshot;
pub mod state;
pub mod text;
pub mod tools;
