//! The settings of a machine: a file that says what options are where neither words nor environment do.
//!
//! One JSON object, whose keys are the long names of options. Null is the same as leaving a key out.

#![expect(clippy::disallowed_methods, reason = "reads the file, and asks the environment which one")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use clap::builder::PossibleValue;
use clap::{Arg, ArgAction, Command};
use serde_json::Value;

use crate::cli::failure::{Exit, Failure};
use crate::config;

/// Where the settings are, unless the variable names another file.
const FILE: &str = "/etc/pikaci/settings.json";
const VARIABLE: &str = "PIKACI_SETTINGS";

/// What is set: the long names of options, and their values as they would be typed.
#[derive(Debug, Default)]
pub struct Settings(BTreeMap<String, String>);

impl Settings {
    /// Reads the settings of this machine, if it has any.
    pub fn of_this_machine(command: &Command) -> Result<Self, Failure> {
        match std::env::var_os(VARIABLE).filter(|value| !value.is_empty()) {
            Some(file) => Self::read(&PathBuf::from(file), command),
            None => match fs::metadata(FILE) {
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::default()),
                _ => Self::read(Path::new(FILE), command),
            },
        }
    }

    /// Reads a file of settings for a command line.
    pub fn read(file: &Path, command: &Command) -> Result<Self, Failure> {
        let usage = |error: anyhow::Error| Failure::new(Exit::Usage, error);
        let text = fs::read(file)
            .with_context(|| format!("reading {}", file.display()))
            .map_err(|error| usage(error).hint(format!("see that the file is there, or unset {VARIABLE}")))?;
        let value: Value = serde_json::from_slice(&text)
            .with_context(|| format!("decoding {}", file.display()))
            .map_err(|error| usage(error).hint(r#"write an object of JSON: { "jobs": 2, "fail-fast": true }"#))?;
        Self::of(&value, command)
            .map_err(|wrong| usage(anyhow!("{}: {}", file.display(), wrong.what)).hint(wrong.remedy))
    }

    /// Returns what a value sets, once every option that it names takes it.
    fn of(value: &Value, command: &Command) -> Result<Self, Wrong> {
        let Value::Object(values) = value else {
            return Err(Wrong::new("the settings are no object", r#"write { "jobs": 2, "fail-fast": true }"#));
        };
        let mut set = BTreeMap::new();
        for (name, value) in values {
            let options = options(command, name);
            if options.is_empty() {
                return Err(unknown(name, command));
            }
            for option in options {
                if let Some(value) = typed(name, value, option)? {
                    accepts(name, &value, option)?;
                    set.insert(name.clone(), value);
                }
            }
        }
        match rivals(command, &set) {
            Some((one, other)) => Err(Wrong::new(
                format!("{one:?} and {other:?} can't both be set"),
                format!("leave {one:?} or {other:?} out"),
            )),
            None => Ok(Self(set)),
        }
    }

    /// Returns how many options are set.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns a command whose options have what is set as their defaults, but for some of them.
    pub fn apply(&self, command: Command, mute: &dyn Fn(&Arg) -> bool) -> Command {
        let preset = |arg: Arg| match arg.get_long().and_then(|name| self.0.get(name)) {
            Some(value) if is_setting(&arg) && !mute(&arg) => arg.default_value(value.clone()),
            _ => arg,
        };
        command.mut_args(preset).mut_subcommands(|subcommand| self.apply(subcommand, mute))
    }
}

/// What is wrong with a setting, and what to do about it.
#[derive(Debug)]
struct Wrong {
    what: String,
    remedy: String,
}

impl Wrong {
    fn new(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { what: what.into(), remedy: remedy.into() }
    }
}

/// Returns whether an option can be set: the environment can say it too.
fn is_setting(arg: &Arg) -> bool {
    arg.get_long().is_some() && arg.get_env().is_some()
}

/// Returns all options of a command and its subcommands that can be set.
fn settable(command: &Command) -> Vec<&Arg> {
    let own = command.get_arguments().filter(|arg| is_setting(arg));
    own.chain(command.get_subcommands().flat_map(settable)).collect()
}

/// Returns the options of a name: several commands may have one.
fn options<'a>(command: &'a Command, name: &str) -> Vec<&'a Arg> {
    settable(command).into_iter().filter(|arg| arg.get_long() == Some(name)).collect()
}

fn unknown(name: &str, command: &Command) -> Wrong {
    let known: BTreeSet<&str> = settable(command).into_iter().filter_map(Arg::get_long).collect();
    let remedy = match config::nearest(name, known.iter().copied()) {
        Some(nearest) => format!("did you mean {nearest:?}?"),
        None => format!("what can be set is {}", known.into_iter().collect::<Vec<_>>().join(", ")),
    };
    Wrong::new(format!("{name:?} is no option of pikaci"), remedy)
}

/// Returns a value as it would be typed; `None` where that is nothing.
fn typed(name: &str, value: &Value, option: &Arg) -> Result<Option<String>, Wrong> {
    let is_switch = matches!(option.get_action(), ArgAction::SetTrue);
    match value {
        Value::Null => Ok(None),
        Value::Bool(is_on) if is_switch => Ok(is_on.then(|| "true".to_owned())),
        Value::String(text) if !is_switch => Ok(Some(text.clone())),
        Value::Number(number) if !is_switch => Ok(Some(number.to_string())),
        _ => {
            let kind = match value {
                Value::Bool(_) => "a boolean",
                Value::Number(_) => "a number",
                Value::String(_) => "a string",
                Value::Array(_) => "a list",
                _ => "an object",
            };
            let (wanted, remedy) = if is_switch {
                ("true or false", format!("write {name:?}: true"))
            } else {
                ("a string or a number", format!("write one, or leave {name:?} out"))
            };
            Err(Wrong::new(format!("{name:?} is {kind}, and must be {wanted}"), remedy))
        }
    }
}

/// Asks an option whether it takes a value.
fn accepts(name: &str, value: &str, option: &Arg) -> Result<(), Wrong> {
    let action = option.get_action().clone();
    // Without what the option says of others.
    let alone = Arg::new("value").long("value").value_parser(option.get_value_parser().clone());
    let alone = Command::default().no_binary_name(true).arg(alone.action(action.clone()));
    let words = if matches!(action, ArgAction::SetTrue) { Vec::new() } else { vec![format!("--value={value}")] };
    let Err(error) = alone.try_get_matches_from(words) else { return Ok(()) };
    let possible = option.get_possible_values();
    let names: Vec<&str> = possible.iter().map(PossibleValue::get_name).collect();
    let why = match std::error::Error::source(&error) {
        Some(source) => format!(": {source}"),
        None => String::new(),
    };
    let remedy = match config::nearest(value, names.iter().copied()) {
        Some(nearest) => format!("did you mean {nearest:?}?"),
        None if names.is_empty() => format!("write another value, or leave {name:?} out"),
        None => format!("write one of {}", names.join(", ")),
    };
    Err(Wrong::new(format!("{name:?} can't be {value:?}{why}"), remedy))
}

/// Returns two options that are set and that conflict.
fn rivals(command: &Command, set: &BTreeMap<String, String>) -> Option<(String, String)> {
    let name = |arg: &Arg| arg.get_long().filter(|name| set.contains_key(*name)).map(str::to_owned);
    let own = command.get_arguments().find_map(|arg| {
        let one = name(arg)?;
        command.get_arg_conflicts_with(arg).into_iter().find_map(name).map(|other| (one, other))
    });
    own.or_else(|| command.get_subcommands().find_map(|subcommand| rivals(subcommand, set)))
}
