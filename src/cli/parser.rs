//! The grammar of the command line.

use clap::{Parser, Subcommand};

use crate::cli::command::{artifacts, cancel, check, doctor, exec, gc, list, logs, plan, rerun, run, schema, status};
use crate::cli::project_args::ProjectArgs;

/// Local-first CI: each job in a throwaway virtual machine that Nix built and cached.
#[derive(Debug, Parser)]
#[command(name = "pikaci", version, max_term_width = 100, arg_required_else_help = true)]
pub struct Cli {
    /// The project and its state folder.
    #[command(flatten)]
    pub project: ProjectArgs,
    /// The subcommand.
    #[command(subcommand)]
    pub command: Command,
}

/// A subcommand with its options.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Say whether pikaci.nix can be read
    Check(check::Options),
    /// Say whether jobs can run on this machine, and what to do where they can't
    Doctor(doctor::Options),
    /// Show what would run, and change nothing
    Plan(plan::Options),
    /// Run jobs, each in its own virtual machine
    Run(run::Options),
    /// Run jobs of an earlier run once more, as they were then
    Rerun(rerun::Options),
    /// Ask a run to end, as Ctrl-C does in its own terminal
    Cancel(cancel::Options),
    /// List runs, newest first
    List(list::Options),
    /// Show how a run stands, and its jobs
    Status(status::Options),
    /// Print what jobs printed
    Logs(logs::Options),
    /// List the files that jobs brought back
    Artifacts(artifacts::Options),
    /// Run one job in a machine that was built already (for builds of Nix)
    Exec(exec::Options),
    /// Remove old runs and what no other run needs
    Gc(gc::Options),
    /// Print the format of something that is recorded, as JSON Schema
    Schema(schema::Options),
    /// Print a script that completes pikaci's command line in a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, as roff
    Man,
}
