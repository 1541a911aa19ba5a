//! Errors of a Prepare node.

use std::path::PathBuf;

use crate::flake::LOCAL_INPUT_HINT;
use crate::tools::{self, Finding};

/// Error of a runner that can't be prepared.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// Nix is too old, or may not write to the store.
    #[error("{}", .0.message)]
    Nix(Finding),
    /// The store's files differ from those that Nix built.
    #[error("{} is damaged: files are missing or have another size than when Nix built them", path.display())]
    Damaged {
        /// Path of the runner.
        path: PathBuf,
        /// Command that repairs the runner.
        repair: String,
    },
    /// Nix built the runner in another store than its paths name.
    #[error("nix built {} in a store in another folder", path.display())]
    Elsewhere {
        /// Path of the runner.
        path: PathBuf,
    },
    /// An input of the flake lies on this machine.
    #[error("the project's flake.lock has an input on this machine: node {node:?} is {reference}")]
    LocalInput {
        /// Node of the lock.
        node: String,
        /// Flake reference of the input.
        reference: String,
    },
    /// Writing to the state folder or starting Nix failed.
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}

impl PrepareError {
    /// Returns the remedy for the error.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Nix(finding) => finding.remedy.clone().unwrap_or_default(),
            Self::Damaged { repair, .. } => repair.clone(),
            Self::Elsewhere { .. } => tools::STORE_ELSEWHERE.to_owned(),
            Self::LocalInput { .. } => LOCAL_INPUT_HINT.to_owned(),
            Self::Other(_) => "fix the error, then: pikaci run".to_owned(),
        }
    }
}
