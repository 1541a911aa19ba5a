//! The start of pikaci: parses the command line and calls the subcommand.

#![expect(clippy::disallowed_methods, reason = "reads the arguments of the process")]

use std::ffi::OsString;
use std::process::ExitCode;

use clap::CommandFactory as _;

use crate::cli::command::{
    artifacts, cache, cancel, check, doctor, exec, gc, help, init, list, logs, man, plan, rerun, run, schema, status,
    why,
};
use crate::cli::complete::{complete, print_script};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::layered_args::{self, ParseError};
use crate::cli::output::{eprint_line, print_usage, report_panics};
use crate::cli::parser::{Cli, Command};

/// Runs the command line of this process and returns its exit code.
#[must_use]
pub fn main() -> ExitCode {
    report_panics();
    crate::process::close_inherited_on_exec();
    #[cfg(feature = "failpoints")]
    let _scenario = fail::FailScenario::setup();
    let args: Vec<OsString> = std::env::args_os().collect();
    complete(&args).unwrap_or_else(|| run(args)).into()
}

fn run(line: Vec<OsString>) -> Exit {
    let ran = match layered_args::parse(line) {
        Ok(cli) => dispatch(&cli),
        Err(ParseError::Settings(failure)) => Err(failure),
        Err(ParseError::Usage(error)) => {
            print_usage(&error);
            return if error.use_stderr() { Exit::Usage } else { Exit::Passed };
        }
    };
    ran.unwrap_or_else(|failure| {
        eprint_line(&failure);
        failure.exit
    })
}

fn dispatch(cli: &Cli) -> Result<Exit, Failure> {
    match &cli.command {
        Command::Init(options) => init::main(&cli.project, options),
        Command::Check(options) => check::main(&cli.project, options, &Cli::command()),
        Command::Doctor(options) => doctor::main(&cli.project, options),
        Command::Plan(options) => plan::main(&cli.project, options),
        Command::Why(options) => why::main(&cli.project, options),
        Command::Run(options) => run::main(&cli.project, options),
        Command::Rerun(options) => rerun::main(&cli.project, options),
        Command::Cancel(options) => cancel::main(&cli.project, options),
        Command::List(options) => list::main(&cli.project, options),
        Command::Status(options) => status::main(&cli.project, options),
        Command::Logs(options) => logs::main(&cli.project, options),
        Command::Artifacts(options) => artifacts::main(&cli.project, options),
        Command::Cache(options) => cache::main(&cli.project, options),
        Command::Exec(options) => exec::main(options),
        Command::Gc(options) => gc::main(&cli.project, options),
        Command::Schema(options) => schema::main(options),
        Command::Completions { shell } => print_script(*shell),
        Command::Man(options) => man::main(options, Cli::command()),
        Command::Help(options) => match options.line() {
            Some(line) => Ok(run(line)),
            None => help::main(),
        },
    }
}
