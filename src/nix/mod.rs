//! Nix: the only room that names its program and its folders.

mod build;
mod client;
mod evaluate_file;
mod nix_jail;
mod nix_store;
mod visible_paths;

pub use build::{BuildOutcome, BuildRequest};
pub use client::Nix;
pub use evaluate_file::Evaluation;
pub use nix_store::{NixStore, STORE, StoreConnection};
