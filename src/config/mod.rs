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
//! | key | value | default |
//! |---|---|---|
//! | `jobs.<name>.command` | a script for `sh -euc`, or a list: a program and its arguments | required |
//! | `jobs.<name>.description` | purpose of the job, in one line | none |
//! | `jobs.<name>.needs` | jobs that must pass first | `[ ]` |
//! | `jobs.<name>.env` | environment variables, added to those of `defaults` | `{ }` |
//! | `jobs.<name>.timeout` | `"90s"`, `"10m"`, `"1h30m"` or an integer of seconds; at most 7 days | `"30m"` |
//! | `jobs.<name>.guest` | name of the guest that the job runs in | `"default"` |
//! | `jobs.<name>.runAsRoot` | true if the command runs as root of the guest | `false` |
//! | `jobs.<name>.network` | `true`: the outside, without the host and its neighbours; `"host"`: these too, with the host's own services at 10.0.2.2 | `false` |
//! | `jobs.<name>.retries` | number of further attempts after a failure, 0 to 10 | `0` |
//! | `jobs.<name>.paths` | globs: the job runs only when a matching file changed | `[ ]`: the job always runs |
//! | `jobs.<name>.artifacts` | globs of the files to keep | `[ ]` |
//! | `guests.<name>.base` | `"host"`: the host's kernel and `/usr`; `"nix"`: kernel and busybox of nixpkgs, with `packages`; `"nixos"`: a NixOS system; `"none"`: no virtual machine and no isolation | `"host"` on Linux, `"nixos"` on macOS |
//! | `guests.<name>.vcpu` | virtual CPUs, 1 to 256 | `1` |
//! | `guests.<name>.memory` | `"512M"`, `"2G"` or an integer of MiB; at least 64 MiB | `"1G"` |
//! | `guests.<name>.prepareTimeout` | time limit for Nix to build the guest | `"30m"` |
//! | `guests.<name>.bootTimeout` | time limit until the guest is ready | `"2m"` |
//! | `guests.<name>.collectTimeout` | time limit after the command: artifacts, power-off | `"7m"` |
//! | `guests.<name>.kernel` | absolute path of a kernel image on the host (base `host`) | a kernel of the host |
//! | `guests.<name>.packages` | attribute paths in nixpkgs, for instance `"python3Packages.requests"` (bases `nix`, `nixos`) | `[ ]` |
//! | `guests.<name>.devShell` | a dev shell of the project's flake.nix whose packages the guest has (bases `nix`, `nixos`) | none |
//! | `guests.<name>.modules` | files of the project: NixOS modules (base `nixos`) | `[ ]` |
//! | `targets.<name>.jobs` | the jobs to run; the jobs that they need run too | required |
//! | `targets.<name>.description` | purpose of the target, in one line | none |
//! | `defaults.<key>` | `timeout`, `guest`, `env`, `runAsRoot`, `network`, `retries` of jobs without the key | as above |
//!
//! The guest `default` always exists. Names of jobs, guests and targets have at most 100 bytes and no control
//! character, don't start with `-` and neither start nor end with `/`; a job and a target can't have the same name.
//! Globs are relative to the project, and `*` doesn't match `/`.

mod allow_failure;
mod command;
#[expect(clippy::module_inception, reason = "a file is named after its type")]
mod config;
mod diagnostic;
mod eval;
mod from_json;
mod guest;
mod job;
mod job_selector;
mod nearest;
mod network;
mod problem;
mod read;
mod schema;
mod service;
mod shell;
mod step;
#[cfg(test)]
mod tests;
mod units;
mod variable;

pub use allow_failure::AllowFailure;
pub use command::Command;
pub use config::{Config, Target};
pub use diagnostic::{Diagnostic, Diagnostics, Span};
pub use from_json::from_json;
pub use guest::{Base, Guest, Timeouts};
pub use job::Job;
pub use job_selector::JobSelector;
pub use nearest::nearest;
pub use network::Network;
pub use read::{evaluate, read};
pub use service::Service;
pub use shell::Shell;
pub use step::Step;
pub use units::{parse_mebibytes, parse_seconds};
pub use variable::Variable;
