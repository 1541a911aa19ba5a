//! Job file: parses and validates the text of `pikaci.nix`. Pure.
//!
//! A job file is one attribute set, written in Nix. pikaci reads it without starting Nix, as long as it stays within a
//! static subset: strings, integers, booleans and null, lists, sets with nested paths, `let … in`, `with`, `rec`,
//! `inherit`, `if`, `assert`, the operators of Nix, `set.name or default`, interpolation of strings, comments, functions
//! with one parameter (`x: …`), and the builtins that need no store. The values are those that Nix would compute,
//! laziness included. Anything else (`{ a, b }: …`, `import`, paths …) is an error that
//! [`Diagnostics::reason_for_nix`] distinguishes: the caller may have Nix evaluate the file, and read the value as
//! [`from_json`] spells it. A key with the value null counts as absent.
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
//! [`reference()`] has all keys, with their defaults, units and examples; docs/job-file.md is made from it.
//!
//! The guest `default` always exists. Names of jobs, guests and targets have at most 100 bytes and no control
//! character, don't start with `-` and neither start nor end with `/`; a job and a target can't have the same name.
//! Globs are relative to the project, and `*` doesn't match `/`.

mod allow_failure;
mod cache;
mod command;
#[expect(clippy::module_inception, reason = "a file is named after its type")]
mod config;
mod diagnostic;
mod eval;
mod from_json;
mod guest;
mod input;
mod job;
mod job_selector;
mod key;
mod nearest;
mod network;
mod problem;
mod read;
mod result_cache;
mod schema;
mod secret;
mod service;
mod shell;
mod snapshot_globs;
mod step;
#[cfg(test)]
mod tests;
mod units;
mod unused_names;
mod variable;

pub use allow_failure::AllowFailure;
pub use cache::Cache;
pub use command::Command;
pub use config::{Config, Target};
pub use diagnostic::{Diagnostic, Diagnostics, Span};
pub use from_json::from_json;
pub use guest::{Base, Guest, Timeouts};
pub use input::Input;
pub use job::Job;
pub use job_selector::JobSelector;
pub use key::{Key, REQUIRED, Section, Shape};
pub use nearest::nearest;
pub use network::Network;
pub use read::{evaluate, read};
pub use result_cache::ResultCache;
pub use schema::reference;
pub use secret::{Secret, SecretKind, SecretSource};
pub use service::Service;
pub use shell::Shell;
pub use snapshot_globs::SnapshotGlobs;
pub use step::Step;
pub use units::{parse_mebibytes, parse_seconds};
pub use unused_names::unused_names;
pub use variable::Variable;
