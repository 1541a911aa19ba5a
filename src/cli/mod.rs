//! The command line: one file per subcommand in `command`, and what they share beside it.

mod command;
mod dispatch;
mod doctor_probe;
mod execute_plan;
mod failure;
mod format;
mod interrupted;
mod isolation_args;
mod layered_args;
mod log_follower;
mod log_kind;
mod nix_lines;
mod output;
mod parser;
mod plan_args;
mod programs;
mod progress;
mod project;
mod project_args;
mod runs;
mod settings;
mod stream;
mod tree_notes;

pub use dispatch::main;
pub use failure::{Exit, Failure};
pub use parser::Cli;
