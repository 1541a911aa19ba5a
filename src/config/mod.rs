//! The job file: `pikaci.nix` as text to a [`Config`]. Pure.

mod diagnostic;
mod eval;
mod schema;

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::id::JobId;

pub use diagnostic::{Diagnostic, Diagnostics, Span};

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
    /// Whether the guest reaches the network.
    pub network: bool,
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
    /// Where its kernel and userland come from.
    pub base: Base,
    /// Virtual CPUs.
    pub vcpu: u32,
    /// Memory, in MiB.
    pub memory_mib: u64,
    /// A kernel image on the host in place of the one that is found (base `host` only).
    pub kernel: Option<PathBuf>,
}

/// Where a guest's kernel and userland come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Base {
    /// The host's own kernel, and its `/usr` read-only.
    Host,
}

/// A named set of jobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// What the target is for, in a few words.
    pub description: Option<String>,
    /// The jobs to run; what they need runs too.
    pub jobs: Vec<JobId>,
}
