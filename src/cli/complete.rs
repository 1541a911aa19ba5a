//! Completions of shells: the script that a shell loads, and the answers to what the script requests.

#![expect(clippy::disallowed_methods, reason = "reads the environment of the request, and the current folder")]

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::sync::Arc;

use clap::{Arg, ArgMatches, Command, CommandFactory as _, FromArgMatches as _};
use clap_complete::CompleteEnv;
use clap_complete::engine::ArgValueCompleter;
use clap_complete::env::Shells;

use crate::cli::candidates::{TypedLine, VALUE_NAMES};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::{print_bytes, print_usage};
use crate::cli::parser::Cli;
use crate::cli::project_args::ProjectArgs;
use crate::text::unquote;

/// Name of the program in PATH, which the scripts call.
const PROGRAM: &str = "pikaci";
/// Variable with the shell that requests completions.
const VARIABLE: &str = "COMPLETE";
/// The first call of a file in zsh's `fpath` is a completion already.
const ZSH_FIRST_CALL: &str = "\nif [ \"$funcstack[1]\" = _pikaci ]; then _clap_dynamic_completer_pikaci \"$@\"; fi\n";

/// Prints the script that completes command lines in a shell.
pub fn print_script(shell: clap_complete::Shell) -> Result<Exit, Failure> {
    let shells = Shells::builtins();
    let mut script = Vec::new();
    if let Some(shell) = shells.completer(&shell.to_string()) {
        shell.write_registration(VARIABLE, PROGRAM, PROGRAM, PROGRAM, &mut script).map_err(anyhow::Error::from)?;
    }
    if shell == clap_complete::Shell::Zsh {
        script.extend(ZSH_FIRST_CALL.bytes());
    }
    print_bytes(&script)?;
    Ok(Exit::Passed)
}

/// Prints the completions of a command line if a shell requests them with this process.
pub fn complete(args: &[OsString]) -> Option<Exit> {
    let shell = env::var_os(VARIABLE)?;
    let is_bash = Path::new(&shell).file_stem().is_some_and(|name| name == "bash");
    // fish removes the quotes itself, except those of the last word.
    let is_fish = Path::new(&shell).file_stem().is_some_and(|name| name == "fish");
    let words = args.iter().skip_while(|word| *word != "--").skip(1);
    let plain = |word: &OsString| if is_fish { word.clone() } else { unquote(&word.to_string_lossy()).into() };
    let line = Arc::new(typed_line(words.map(plain), is_bash));
    let request = CompleteEnv::with_factory(|| with_candidates(Cli::command(), &line)).bin(PROGRAM).completer(PROGRAM);
    match request.try_complete(args.iter().cloned(), env::current_dir().ok().as_deref()) {
        Ok(true) => Some(Exit::Passed),
        Ok(false) => None,
        Err(error) => {
            print_usage(&error);
            Some(Exit::Usage)
        }
    }
}

/// Reads the parts of an unfinished command line, and ignores its errors.
fn typed_line(words: impl Iterator<Item = OsString>, is_bash: bool) -> TypedLine {
    let matches = Cli::command().ignore_errors(true).try_get_matches_from(words).unwrap_or_default();
    let of_command = matches.subcommand().map_or(&matches, |(_, of_command)| of_command);
    let word = |matches: &ArgMatches, id: &str| matches.try_get_one::<String>(id).ok().flatten().cloned();
    let project = ProjectArgs::from_arg_matches(of_command);
    TypedLine {
        project: project.unwrap_or(ProjectArgs { directory: None, state_root: None }),
        run: word(of_command, "run"),
        job: word(of_command, "job"),
        is_bash,
    }
}

/// Returns a command whose values with names are completed by names.
fn with_candidates(command: Command, line: &Arc<TypedLine>) -> Command {
    let complete = |arg: Arg| {
        let names = arg.get_value_names().unwrap_or_default();
        let Some(name) = VALUE_NAMES.into_iter().find(|name| names.iter().any(|own| own.as_str() == *name)) else {
            return arg;
        };
        let line = Arc::clone(line);
        arg.add(ArgValueCompleter::new(move |begin: &OsStr| line.candidates(name, &begin.to_string_lossy())))
    };
    command.mut_args(complete).mut_subcommands(|subcommand| with_candidates(subcommand, line))
}
