//! The grammar of the command line.

use clap::{Parser, Subcommand};

use crate::cli::command::{
    artifacts, cache, cancel, check, doctor, exec, gc, help, init, list, logs, man, plan, rerun, run, schema, status,
    why,
};
use crate::cli::project_args::ProjectArgs;

/// Local-first CI: each job in a throwaway virtual machine that Nix built and cached.
#[derive(Debug, Parser)]
#[command(
    name = "pikaci",
    version,
    max_term_width = 100,
    arg_required_else_help = true,
    disable_help_subcommand = true
)]
pub struct Cli {
    /// The options that name the project and its state folder.
    #[command(flatten)]
    pub project: ProjectArgs,
    /// The subcommand.
    #[command(subcommand)]
    pub command: Command,
}

/// A subcommand with its options.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a first pikaci.nix for the builds of this folder
    Init(init::Options),
    /// Check pikaci.nix, the settings of a machine, or a policy
    Check(check::Options),
    /// Check whether jobs can run on this machine, and print remedies
    Doctor(doctor::Options),
    /// Print the plan of a run without running it
    Plan(plan::Options),
    /// Print the reason for which jobs run or take the results of earlier runs
    Why(why::Options),
    /// Run jobs, each in its own virtual machine
    Run(run::Options),
    /// Run jobs of an earlier run again, from its plan and its snapshot
    Rerun(rerun::Options),
    /// Cancel a run, as Ctrl-C does in its terminal
    Cancel(cancel::Options),
    /// List runs, newest first
    List(list::Options),
    /// Show the status of a run and of its jobs
    Status(status::Options),
    /// Print the logs of jobs
    Logs(logs::Options),
    /// List or copy the artifacts of jobs
    Artifacts(artifacts::Options),
    /// List or remove the content of caches
    Cache(cache::Options),
    /// Run one job in a guest whose runner is built already (for builds of Nix)
    Exec(exec::Options),
    /// Remove old runs, and snapshots, runners and flakes that no other run needs
    Gc(gc::Options),
    /// Print the format of a record, or of the job file, as a JSON Schema
    Schema(schema::Options),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print a manual page, as roff
    Man(man::Options),
    /// Print the help of a subcommand, or the keys of pikaci.nix
    Help(help::Options),
}
