//! The command line, with the environment and the settings of the machine below it.
//!
//! An option of the command line overrides its environment variable, and the variable overrides the setting. A variable
//! whose option conflicts with an option of the command line has no effect, nor has a setting whose option conflicts
//! with either. An empty variable has no effect, and neither has one that turns a switch off.

#![expect(clippy::disallowed_methods, reason = "reads the environment")]

use std::ffi::{OsStr, OsString};

use clap::{Arg, ArgAction, ArgMatches, Command, CommandFactory as _, FromArgMatches as _, parser::ValueSource};

use crate::cli::failure::Failure;
use crate::cli::parser::Cli;
use crate::cli::settings::Settings;

/// Values of a variable that turn a switch off, as in clap.
const OFF: [&str; 6] = ["0", "f", "false", "n", "no", "off"];

/// The error in a command line or in the settings below it.
#[derive(Debug)]
pub enum ParseError {
    /// The command line is wrong, or requests the help.
    Usage(clap::Error),
    /// The settings of the machine are wrong.
    Settings(Failure),
}

impl From<clap::Error> for ParseError {
    fn from(error: clap::Error) -> Self {
        Self::Usage(error)
    }
}

/// Parses a command line, with the environment and the settings below it.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Cli, ParseError> {
    use ValueSource::{CommandLine, EnvVariable};
    let args: Vec<OsString> = args.into_iter().collect();
    // The second parse reports a wrong command line, with the variables in its help.
    let overridden = match without_env(Cli::command(), &|_| true).try_get_matches_from(&args) {
        Ok(typed) => conflicts(&Cli::command(), &typed, &[CommandLine]),
        Err(_) => Vec::new(),
    };
    let with_effective_env = |command| without_env(command, &|arg| is_unset(arg) || overridden.contains(arg.get_id()));
    let mut matches = with_effective_env(Cli::command()).try_get_matches_from(&args)?;
    if !checks_settings(&matches) {
        let settings = Settings::load(&Cli::command()).map_err(ParseError::Settings)?;
        let overridden = conflicts(&Cli::command(), &matches, &[CommandLine, EnvVariable]);
        let command = settings.apply(Cli::command(), &|arg| overridden.contains(arg.get_id()));
        matches = with_effective_env(command).try_get_matches_from(&args)?;
    }
    Ok(Cli::from_arg_matches_mut(&mut matches)?)
}

/// Returns true for `pikaci check --settings`, to which the settings of the machine don't apply.
fn checks_settings(matches: &ArgMatches) -> bool {
    matches.subcommand().is_some_and(|(name, matches)| name == "check" && matches.contains_id("settings"))
}

/// Returns true if the variable of an option is empty or turns a switch off.
fn is_unset(arg: &Arg) -> bool {
    let value = env_value(arg);
    let is_off = || OFF.iter().any(|off| value.eq_ignore_ascii_case(OsStr::new(off)));
    let is_switch = matches!(arg.get_action(), ArgAction::SetTrue);
    value.is_empty() || is_switch && is_off()
}

fn env_value(arg: &Arg) -> OsString {
    arg.get_env().and_then(std::env::var_os).unwrap_or_default()
}

/// Returns a command in which the options that `is_ignored` names have no variable.
fn without_env(command: Command, is_ignored: &dyn Fn(&Arg) -> bool) -> Command {
    let strip = |arg: Arg| if arg.get_env().is_some() && is_ignored(&arg) { arg.env(None::<&str>) } else { arg };
    command.mut_args(strip).mut_subcommands(|subcommand| without_env(subcommand, is_ignored))
}

/// Returns the options of a subcommand that conflict with the options from these sources.
fn conflicts(command: &Command, matches: &ArgMatches, sources: &[ValueSource]) -> Vec<clap::Id> {
    let Some((name, matches)) = matches.subcommand() else { return Vec::new() };
    let Some(command) = command.find_subcommand(name) else { return Vec::new() };
    let is_set =
        |arg: &&Arg| matches.value_source(arg.get_id().as_str()).is_some_and(|source| sources.contains(&source));
    let conflicts = command.get_arguments().filter(is_set).flat_map(|arg| command.get_arg_conflicts_with(arg));
    conflicts.map(|arg| arg.get_id().clone()).collect()
}

#[cfg(test)]
mod tests {
    use clap::{Arg, Command, CommandFactory as _};

    use super::Cli;

    fn assert_each_has_a_variable(command: &Command) {
        // The last ones name a part of one run, for which each job has variables of its own, or set variables.
        let own = ["help", "version", "job", "step", "service", "env"];
        let is_own = |arg: &&Arg| arg.is_positional() || own.contains(&arg.get_id().as_str());
        // Programs and packages call `exec` and `man`, and the files that `check` reads are no settings.
        let needs_variable = |arg: &&Arg| match command.get_name() {
            "exec" | "man" => false,
            "check" => !["settings", "policy"].contains(&arg.get_id().as_str()),
            _ => true,
        };
        for arg in command.get_arguments().filter(|arg| !is_own(arg)).filter(needs_variable) {
            let name = arg.get_long().unwrap().to_uppercase().replace('-', "_");
            let env = arg.get_env().and_then(|env| env.to_str());
            assert_eq!(env, Some(format!("PIKACI_{name}").as_str()), "{}", command.get_name());
        }
        command.get_subcommands().for_each(assert_each_has_a_variable);
    }

    #[test]
    fn every_option_has_a_variable() {
        Cli::command().debug_assert();
        assert_each_has_a_variable(&Cli::command());
    }
}
