//! Garbage collection: removes runs and shared files that nothing needs, while other pikacis use the state folder.
//!
//! Three locks protect the files in use. A running run holds its own lock, which keeps the run and all that its plan
//! names. A starting run has no plan yet, but may already have chosen an existing snapshot, flake or runner: it holds a
//! [`RunClaim`], a share of `locks/gc`, until its plan and its record are written. A writer of a flake holds the lock
//! of that flake.
//!
//! So the candidates are planned while nobody holds a claim, and only moved away then, into a trash folder in the state
//! folder: at any moment a file is complete under its name, or absent. The removal of the trash takes longer, and
//! blocks nobody. Of two garbage collections one waits for the [`GcLock`] of the other.

mod cache_removal;
mod candidate;
mod collect;
mod gc_lock;
mod meter;
mod run_claim;
mod stored;
mod survey;
pub(super) mod trash;

pub use collect::{GcRequest, collect, preview};
pub use gc_lock::GcLock;
pub use run_claim::RunClaim;
