//! The job file: `pikaci.nix` as text to a [`Config`]. Pure.
//!
//! A job file is one attribute set, written in Nix and read without starting Nix, as long as it is static: strings,
//! integers, booleans and null, lists, sets with nested paths, `let … in`, `rec`, `inherit`, `//`, `++`, `+` of
//! strings, `set.name or default`, interpolation of strings, comments. It is read as Nix would evaluate it, laziness
//! included; anything else (functions, `import`, `if`, `with`, paths, arithmetic …) is an error that says what to write
//! instead. Null is the same as leaving a key out.
//!
//! ```nix
//! {
//!   jobs = {
//!     lint = { command = "make lint"; };
//!     test = { command = "make test"; needs = [ "lint" ]; timeout = "10m"; };
//!   };
//!   targets.pre-merge = { jobs = [ "lint" "test" ]; };
//! }
//! ```
//!
//! | key | what it is | when it is left out |
//! |---|---|---|
//! | `jobs.<name>.command` | a script for `sh -euc`, or a list: a program and its arguments | must be there |
//! | `jobs.<name>.description` | what the job is for, in one line | none |
//! | `jobs.<name>.needs` | jobs that must have passed before | `[ ]` |
//! | `jobs.<name>.env` | environment variables; those of `defaults` are kept | `{ }` |
//! | `jobs.<name>.timeout` | `"90s"`, `"10m"`, `"1h30m"` or an integer of seconds; at most 7 days | `"30m"` |
//! | `jobs.<name>.guest` | the guest to run in | `"default"` |
//! | `jobs.<name>.runAsRoot` | whether the command runs as root of the guest | `false` |
//! | `jobs.<name>.network` | `true`: reaches the outside, but neither this machine nor its neighbours; `"host"`: them too, and the host's own services at 10.0.2.2 | `false` |
//! | `jobs.<name>.retries` | how often a job that failed runs again, 0 to 10 | `0` |
//! | `jobs.<name>.paths` | globs: run only when a file that matches one changed | `[ ]`: always |
//! | `jobs.<name>.artifacts` | globs of the files to bring back | `[ ]` |
//! | `guests.<name>.base` | `"host"`: this machine's kernel and `/usr`; `"nix"`: nixpkgs' kernel, busybox and `packages`; `"nixos"`: a NixOS; `"none"`: no machine, and no isolation | `"host"` on Linux, `"nixos"` on macOS |
//! | `guests.<name>.vcpu` | virtual CPUs, 1 to 256 | `1` |
//! | `guests.<name>.memory` | `"512M"`, `"2G"` or an integer of MiB; at least 64 MiB | `"1G"` |
//! | `guests.<name>.prepareTimeout` | how long Nix may build the guest | `"30m"` |
//! | `guests.<name>.bootTimeout` | how long the guest may take until it is ready | `"2m"` |
//! | `guests.<name>.collectTimeout` | how long it may take after the command: artifacts, power-off | `"7m"` |
//! | `guests.<name>.kernel` | the absolute path of a kernel image on the host (base `host`) | the one that is found |
//! | `guests.<name>.packages` | attribute paths in nixpkgs, `"python3Packages.requests"` for instance (bases `nix`, `nixos`) | `[ ]` |
//! | `guests.<name>.devShell` | a dev shell of the project's flake.nix: its packages (bases `nix`, `nixos`) | none |
//! | `guests.<name>.modules` | files of the project: NixOS modules (base `nixos`) | `[ ]` |
//! | `targets.<name>.jobs` | the jobs to run; what they need runs too | must be there |
//! | `targets.<name>.description` | what the target is for, in one line | none |
//! | `defaults.<key>` | `timeout`, `guest`, `env`, `runAsRoot`, `network`, `retries` of jobs that don't say otherwise | as above |
//!
//! The guest `default` is always there. Names of jobs, guests and targets have at most 100 bytes and no control
//! character, don't start with `-` and neither start nor end with `/`; a job and a target can't share one. Globs are
//! relative to the project, and `*` doesn't match `/`.

mod diagnostic;
mod eval;
mod json;
mod network;
mod schema;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::JobId;

pub use diagnostic::{Diagnostic, Diagnostics, Span, nearest};
pub use json::from_json;
pub use network::Network;
pub use schema::{mebibytes, seconds};

/// Reads a job file; `file_name` is what the diagnostics call it.
///
/// # Errors
///
/// Says everything that is wrong with the file, as far as one mistake doesn't hide another.
pub fn read(file_name: &str, text: &str) -> Result<Config, Diagnostics> {
    let config = eval::evaluate(text).and_then(|value| schema::read(&value));
    config.map_err(|problems| Diagnostics::new(file_name, text, problems))
}

/// Returns what a job file evaluates to, as `nix eval --json` prints it, without asking whether it makes sense.
///
/// # Errors
///
/// Says everything that keeps the file from being evaluated.
pub fn evaluate(file_name: &str, text: &str) -> Result<serde_json::Value, Diagnostics> {
    match eval::evaluate(text) {
        Ok(value) => Ok(value.to_json()),
        Err(problems) => Err(Diagnostics::new(file_name, text, problems)),
    }
}

/// A validated job file: what may run, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The jobs by name; each `needs` names jobs of this map, without a cycle.
    pub jobs: BTreeMap<JobId, Job>,
    /// The guests by name; holds at least every guest that a job names.
    pub guests: BTreeMap<String, Guest>,
    /// The targets by name; each job of each is one of `jobs`.
    pub targets: BTreeMap<String, Target>,
}

impl Config {
    /// Returns whether one of these jobs runs in a machine of its own.
    #[must_use]
    pub fn has_guest<'a>(&self, jobs: impl IntoIterator<Item = &'a JobId>) -> bool {
        self.has_guest_of(jobs, |guest| guest.base != Some(Base::None))
    }

    /// Returns whether the guest of one of these jobs is such a one.
    #[must_use]
    pub fn has_guest_of<'a>(&self, jobs: impl IntoIterator<Item = &'a JobId>, is: impl Fn(&Guest) -> bool) -> bool {
        jobs.into_iter().any(|job| is(&self.guests[&self.jobs[job].guest]))
    }
}

/// One job: a command and the circumstances it asks for; defaults are filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// What the job is for, in a few words.
    pub description: Option<String>,
    /// What to run.
    pub command: Command,
    /// The jobs that must have passed before.
    pub needs: Vec<JobId>,
    /// Globs, relative to the project: the job runs only when a file that matches one changed; empty: always.
    pub paths: Vec<String>,
    /// Environment variables of the command.
    pub env: BTreeMap<String, String>,
    /// How long the command may take, in seconds.
    pub timeout_secs: u64,
    /// The guest to run in.
    pub guest: String,
    /// Whether the command runs as root of the guest.
    pub run_as_root: bool,
    /// The network of the guest.
    pub network: Network,
    /// How often the command runs again when it failed or timed out.
    pub retries: u32,
    /// Globs, relative to the workspace, of the files to bring back.
    pub artifacts: Vec<String>,
}

/// What a job runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// A script for `sh -euc`.
    Shell(String),
    /// A program and its arguments, run as they are.
    Argv(Vec<String>),
}

/// The machine that a job runs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guest {
    /// Where its kernel and userland come from; what the host's system makes usual where it isn't written.
    pub base: Option<Base>,
    /// Virtual CPUs.
    pub vcpu: u32,
    /// Memory, in MiB.
    pub memory_mib: u64,
    /// How long its parts may take.
    pub timeouts: Timeouts,
    /// A kernel image on the host in place of the one that is found (base `host` only).
    pub kernel: Option<PathBuf>,
    /// Attribute paths in nixpkgs (bases `nix` and `nixos`).
    pub packages: Vec<String>,
    /// The name of a dev shell of the project's flake (bases `nix` and `nixos`).
    pub dev_shell: Option<String>,
    /// NixOS modules: files, relative to the project (base `nixos`).
    pub modules: Vec<String>,
}

/// How long the parts of a guest may take besides the job's own command, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Building it.
    pub prepare_secs: u64,
    /// Booting it, until it is ready.
    pub boot_secs: u64,
    /// What comes after the command.
    pub collect_secs: u64,
}

impl Default for Timeouts {
    /// A slow guest takes ten seconds to boot without hardware acceleration; after the command the agent gives itself 60
    /// to drain and 300 to pack.
    fn default() -> Self {
        Self { prepare_secs: 30 * 60, boot_secs: 120, collect_secs: 420 }
    }
}

/// Where a guest's kernel and userland come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Base {
    /// The host's own kernel, and its `/usr` read-only.
    Host,
    /// nixpkgs' kernel, busybox and packages.
    Nix,
    /// A NixOS.
    Nixos,
    /// The host itself: no machine, and nothing that keeps a job from the rest of the host.
    None,
}

impl Base {
    /// Returns the name, as it is written in a job file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Nix => "nix",
            Self::Nixos => "nixos",
            Self::None => "none",
        }
    }
}

/// A named set of jobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// What the target is for, in a few words.
    pub description: Option<String>,
    /// The jobs to run; what they need runs too.
    pub jobs: Vec<JobId>,
}
