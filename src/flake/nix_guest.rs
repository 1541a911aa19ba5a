//! The definition of a guest that Nix builds.

use serde::Serialize;

use super::project_files::ProjectFiles;

/// Source of the Nix store in a guest of base `nix`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StoreSource {
    /// A disk of the runner.
    Disk,
    /// A share of the host's store.
    Host,
}

/// A guest that Nix builds.
#[derive(Clone, Copy, Debug)]
pub struct NixGuest<'a> {
    /// System of the machine that evaluates and boots the guest.
    pub host: &'a str,
    /// System of the guest.
    pub system: &'a str,
    /// Attribute paths in nixpkgs.
    pub packages: &'a [String],
    /// Name of a dev shell of the project's flake.
    pub dev_shell: Option<&'a str>,
    /// NixOS modules: files of the project.
    pub modules: &'a [String],
    /// Files of the project.
    pub project: &'a ProjectFiles,
    /// True if inputs of the project may lie on this machine.
    pub allow_local_inputs: bool,
}
