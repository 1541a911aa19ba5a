//! The words of the command line, and those that the environment and the settings of the machine add.
//!
//! What is typed goes before what the environment says, and that before what is set: a variable whose option conflicts
//! with a typed one isn't heard, nor is a setting whose option conflicts with either.
//! An empty variable is none, and neither is one that says that a switch is off.

#![expect(clippy::disallowed_methods, reason = "asks what the environment says")]

use std::ffi::{OsStr, OsString};

use clap::{Arg, ArgAction, ArgMatches, Command, CommandFactory as _, FromArgMatches as _, parser::ValueSource};

use super::settings::Settings;
use super::{Cli, Failure};

/// What a variable says of a switch that is off, as clap has it.
const OFF: [&str; 6] = ["0", "f", "false", "n", "no", "off"];

/// Why there is nothing to run.
#[derive(Debug)]
pub enum Unread {
    /// The words are wrong, or ask for help.
    Words(clap::Error),
    /// The settings of the machine are wrong.
    Settings(Failure),
}

impl From<clap::Error> for Unread {
    fn from(error: clap::Error) -> Self {
        Self::Words(error)
    }
}

/// Reads the command line of this process.
pub fn read(words: impl IntoIterator<Item = OsString>) -> Result<Cli, Unread> {
    use ValueSource::{CommandLine, EnvVariable};
    let words: Vec<OsString> = words.into_iter().collect();
    let mute = |arg: &Arg| !is_heard(arg);
    // What is wrong with the words alone is said below, with the variables in the help.
    let rivals_of = |heard: &ArgMatches, sources: &[ValueSource]| rivals(&Cli::command(), heard, sources);
    let louder = match without(Cli::command(), &|_| true).try_get_matches_from(&words) {
        Ok(typed) => rivals_of(&typed, &[CommandLine]),
        Err(_) => Vec::new(),
    };
    let deaf = |command| without(command, &|arg| mute(arg) || louder.contains(arg.get_id()));
    let mut heard = deaf(Cli::command()).try_get_matches_from(&words)?;
    if !names_settings(&heard) {
        let settings = Settings::of_this_machine(&Cli::command()).map_err(Unread::Settings)?;
        let said = rivals_of(&heard, &[CommandLine, EnvVariable]);
        let command = settings.apply(Cli::command(), &|arg| said.contains(arg.get_id()));
        heard = deaf(command).try_get_matches_from(&words)?;
    }
    Ok(Cli::from_arg_matches_mut(&mut heard)?)
}

/// Returns whether it is about other settings than those of the machine.
fn names_settings(heard: &ArgMatches) -> bool {
    heard.subcommand().is_some_and(|(name, heard)| name == "check" && heard.contains_id("settings"))
}

/// Returns whether an option's variable says something.
fn is_heard(arg: &Arg) -> bool {
    let value = arg.get_env().and_then(std::env::var_os).unwrap_or_default();
    let is_off = || OFF.iter().any(|off| value.eq_ignore_ascii_case(OsStr::new(off)));
    let is_switch = matches!(arg.get_action(), ArgAction::SetTrue);
    !(value.is_empty() || is_switch && is_off())
}

/// Returns a command some of whose options have no variable.
fn without(command: Command, mute: &dyn Fn(&Arg) -> bool) -> Command {
    let deaf = |arg: Arg| if arg.get_env().is_some() && mute(&arg) { arg.env(None::<&str>) } else { arg };
    command.mut_args(deaf).mut_subcommands(|subcommand| without(subcommand, mute))
}

/// Returns the options of a subcommand that conflict with those of these sources.
fn rivals(command: &Command, heard: &ArgMatches, sources: &[ValueSource]) -> Vec<clap::Id> {
    let Some((name, heard)) = heard.subcommand() else { return Vec::new() };
    let Some(command) = command.find_subcommand(name) else { return Vec::new() };
    let is_said = |arg: &&Arg| heard.value_source(arg.get_id().as_str()).is_some_and(|said| sources.contains(&said));
    let conflicts = command.get_arguments().filter(is_said).flat_map(|arg| command.get_arg_conflicts_with(arg));
    conflicts.map(|arg| arg.get_id().clone()).collect()
}

#[cfg(test)]
mod tests {
    use clap::{Arg, Command, CommandFactory as _};

    use super::Cli;

    fn assert_each_has_a_variable(command: &Command) {
        let is_own = |arg: &&Arg| arg.is_positional() || ["help", "version"].contains(&arg.get_id().as_str());
        // The plumbing is called by programs, and what is checked is no setting itself.
        let is_said = |arg: &&Arg| match command.get_name() {
            "exec" => false,
            "check" => !["settings", "policy"].contains(&arg.get_id().as_str()),
            _ => true,
        };
        for arg in command.get_arguments().filter(|arg| !is_own(arg)).filter(is_said) {
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
