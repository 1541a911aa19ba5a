//! The subcommands.

pub mod artifacts;
pub mod cancel;
pub mod check;
pub mod doctor;
pub mod exec;
pub mod gc;
pub mod help;
pub mod init;
pub mod list;
pub mod logs;
pub mod man;
pub mod plan;
pub mod rerun;
pub mod run;
pub mod schema;
pub mod status;
