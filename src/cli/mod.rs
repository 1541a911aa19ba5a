//! The command line: one file per subcommand. Reads files, environment and clock for the rest.

#![expect(clippy::disallowed_methods, reason = "reads the words of the command line")]

mod artifacts;
mod cancel;
mod carry_out;
mod check;
mod doctor;
mod examine;
mod exec;
mod failure;
mod follow;
mod gc;
mod isolation_args;
mod list;
mod logs;
mod nix_lines;
mod output;
mod plan;
mod programs;
mod progress;
mod project;
mod rerun;
mod run;
mod runs;
mod schema;
mod settings;
mod status;
mod stream;
mod tree_notes;
mod wanted;
mod words;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};

pub use failure::{Exit, Failure};

use output::{eprint_line, print, print_bytes, print_json};
use words::Unread;

/// Local-first CI: each job in a throwaway virtual machine that Nix built and cached.
#[derive(Debug, Parser)]
#[command(name = "pikaci", version, max_term_width = 100, arg_required_else_help = true)]
pub struct Cli {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: Command,
}

/// Where the project and its state are.
#[derive(Clone, Debug, Args)]
pub struct Place {
    /// Look for pikaci.nix in this folder or above it, instead of in the current one
    #[arg(short = 'C', long = "directory", global = true, value_name = "DIR", env = "PIKACI_DIRECTORY")]
    directory: Option<PathBuf>,
    /// Keep runs, snapshots and runners in this folder, instead of in .pikaci beside pikaci.nix
    #[arg(long, global = true, value_name = "DIR", env = "PIKACI_STATE_ROOT")]
    state_root: Option<PathBuf>,
}

/// How data is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Human,
    /// For programs.
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
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

/// Runs the command line of this process and returns its exit code.
#[must_use]
pub fn main() -> ExitCode {
    output::report_panics();
    crate::process::close_inherited_on_exec();
    #[cfg(feature = "failpoints")]
    let _scenario = fail::FailScenario::setup();
    let cli = match words::read(std::env::args_os()) {
        Ok(cli) => cli,
        Err(Unread::Settings(failure)) => {
            eprint_line(&failure);
            return failure.exit.into();
        }
        Err(Unread::Words(error)) => {
            output::print_usage(&error);
            return if error.use_stderr() { Exit::Usage } else { Exit::Passed }.into();
        }
    };
    match dispatch(&cli) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            eprint_line(&failure);
            failure.exit.into()
        }
    }
}

fn dispatch(cli: &Cli) -> Result<Exit, Failure> {
    match &cli.command {
        Command::Check(options) => check::main(&cli.place, options),
        Command::Doctor(options) => doctor::main(&cli.place, options),
        Command::Plan(options) => plan::main(&cli.place, options),
        Command::Run(options) => run::main(&cli.place, options),
        Command::Rerun(options) => rerun::main(&cli.place, options),
        Command::Cancel(options) => cancel::main(&cli.place, options),
        Command::List(options) => list::main(&cli.place, options),
        Command::Status(options) => status::main(&cli.place, options),
        Command::Logs(options) => logs::main(&cli.place, options),
        Command::Artifacts(options) => artifacts::main(&cli.place, options),
        Command::Exec(options) => exec::main(options),
        Command::Gc(options) => gc::main(&cli.place, options),
        Command::Schema(options) => schema::main(options),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "pikaci", &mut script);
            print_bytes(&script)?;
            Ok(Exit::Passed)
        }
        Command::Man => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command()).render(&mut page).map_err(anyhow::Error::from)?;
            print_bytes(&page)?;
            Ok(Exit::Passed)
        }
    }
}

/// Records the end of runs whose process is gone, and says so.
fn tell_interrupted(state: &crate::state::StateLayout) -> Result<(), Failure> {
    for run in crate::engine::recover_interrupted(state)? {
        eprint_line(&format_args!("run {run} was interrupted; its record says so now"));
    }
    Ok(())
}

/// As [`tell_interrupted`], for who only looks: what can't be recorded is shown without.
fn tell_interrupted_softly(state: &crate::state::StateLayout) {
    tell_interrupted(state).ok();
}
