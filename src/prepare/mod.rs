//! A Prepare node: write the rendered flake, `nix build` it and keep its GC root, unless the runner is cached.

mod failure_hint;
mod flake_folder;
mod flake_inputs;
mod prepare_error;
mod prepare_runner;
mod runner;

pub use prepare_error::PrepareError;
pub use prepare_runner::{PrepareOutcome, prepare_runner};
pub use runner::{Boot, Runner};
