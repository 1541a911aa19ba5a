//! The settings of a machine: a file with the operator's default options, below the command line and the environment.
//!
//! The file is a JSON object, whose keys are the long names of options. Null is the same as leaving a key out.

#![expect(clippy::disallowed_methods, reason = "reads the file, and its name in the environment")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use clap::builder::PossibleValue;
use clap::{Arg, ArgAction, Command};
use serde_json::Value;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::config;

/// File of the settings, unless the variable names another one.
const FILE: &str = "/etc/pikaci/settings.json";
const VARIABLE: &str = "PIKACI_SETTINGS";

/// The values of options, by their long names, in the syntax of the command line.
#[derive(Debug, Default)]
pub struct Settings(BTreeMap<String, String>);

impl Settings {
    /// Reads the settings of this machine; they are empty if it has no file of settings.
    pub fn load(command: &Command) -> Result<Self, Failure> {
        match std::env::var_os(VARIABLE).filter(|value| !value.is_empty()) {
            Some(file) => Self::read(&PathBuf::from(file), command),
            None => match fs::metadata(FILE) {
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::default()),
                _ => Self::read(Path::new(FILE), command),
            },
        }
    }

    /// Reads a file of settings, and checks it against the options of a command.
    pub fn read(file: &Path, command: &Command) -> Result<Self, Failure> {
        let usage = |error: anyhow::Error| Failure::new(Exit::Usage, error);
        let text = fs::read(file)
            .with_context(|| format!("reading {}", file.display()))
            .map_err(|error| usage(error).hint(format!("check that the file exists, or unset {VARIABLE}")))?;
        let value: Value = serde_json::from_slice(&text)
            .with_context(|| format!("decoding {}", file.display()))
            .map_err(|error| usage(error).hint(r#"write a JSON object: { "jobs": 2, "fail-fast": true }"#))?;
        Self::parse(&value, command)
            .map_err(|error| usage(anyhow!("{}: {}", file.display(), error.message)).hint(error.remedy))
    }

    /// Parses settings. Fails unless every key is an option and every value is valid for its option.
    fn parse(value: &Value, command: &Command) -> Result<Self, SettingError> {
        let Value::Object(values) = value else {
            return Err(SettingError::new(
                "the settings aren't an object",
                r#"write { "jobs": 2, "fail-fast": true }"#,
            ));
        };
        let mut set = BTreeMap::new();
        for (name, value) in values {
            let options = options_named(command, name);
            if options.is_empty() {
                return Err(unknown_option(name, command));
            }
            for option in options {
                if let Some(value) = command_line_value(name, value, option)? {
                    validate_value(name, &value, option)?;
                    set.insert(name.clone(), value);
                }
            }
        }
        match conflicting_settings(command, &set) {
            Some((one, other)) => Err(SettingError::new(
                format!("{one:?} and {other:?} can't both be set"),
                format!("leave {one:?} or {other:?} out"),
            )),
            None => Ok(Self(set)),
        }
    }

    /// Returns the number of options that are set.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns a command with the settings as the defaults of its options, except for the options that `is_ignored`
    /// names.
    pub fn apply(&self, command: Command, is_ignored: &dyn Fn(&Arg) -> bool) -> Command {
        let with_default = |arg: Arg| match arg.get_long().and_then(|name| self.0.get(name)) {
            Some(value) if is_setting(&arg) && !is_ignored(&arg) => arg.default_value(value.clone()),
            _ => arg,
        };
        command.mut_args(with_default).mut_subcommands(|subcommand| self.apply(subcommand, is_ignored))
    }
}

/// A wrong setting, with its remedy.
#[derive(Debug)]
struct SettingError {
    message: String,
    remedy: String,
}

impl SettingError {
    fn new(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { message: message.into(), remedy: remedy.into() }
    }
}

/// Returns true if an option can be set: if it has a variable of the environment.
fn is_setting(arg: &Arg) -> bool {
    arg.get_long().is_some() && arg.get_env().is_some()
}

/// Returns all options of a command and its subcommands that can be set.
fn settable_options(command: &Command) -> Vec<&Arg> {
    let own = command.get_arguments().filter(|arg| is_setting(arg));
    own.chain(command.get_subcommands().flat_map(settable_options)).collect()
}

/// Returns the options with a name: several subcommands may have one.
fn options_named<'a>(command: &'a Command, name: &str) -> Vec<&'a Arg> {
    settable_options(command).into_iter().filter(|arg| arg.get_long() == Some(name)).collect()
}

fn unknown_option(name: &str, command: &Command) -> SettingError {
    let names: BTreeSet<&str> = settable_options(command).into_iter().filter_map(Arg::get_long).collect();
    let remedy = match config::nearest(name, names.iter().copied()) {
        Some(nearest) => format!("did you mean {nearest:?}?"),
        None => format!("the options that can be set are {}", names.into_iter().collect::<Vec<_>>().join(", ")),
    };
    SettingError::new(format!("{name:?} isn't an option of pikaci"), remedy)
}

/// Returns a value in the syntax of the command line; `None` if it leaves the option out.
fn command_line_value(name: &str, value: &Value, option: &Arg) -> Result<Option<String>, SettingError> {
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
            let (expected, remedy) = if is_switch {
                ("true or false", format!("write {name:?}: true"))
            } else {
                ("a string or a number", format!("write one, or leave {name:?} out"))
            };
            Err(SettingError::new(format!("{name:?} is {kind}, and must be {expected}"), remedy))
        }
    }
}

/// Fails unless an option accepts a value.
fn validate_value(name: &str, value: &str, option: &Arg) -> Result<(), SettingError> {
    let action = option.get_action().clone();
    // A copy of the option alone has no conflicts with other options and requires none.
    let alone = Arg::new("value").long("value").value_parser(option.get_value_parser().clone());
    let alone = Command::default().no_binary_name(true).arg(alone.action(action.clone()));
    let args = if matches!(action, ArgAction::SetTrue) { Vec::new() } else { vec![format!("--value={value}")] };
    let Err(error) = alone.try_get_matches_from(args) else { return Ok(()) };
    let possible = option.get_possible_values();
    let names: Vec<&str> = possible.iter().map(PossibleValue::get_name).collect();
    let reason = match std::error::Error::source(&error) {
        Some(source) => format!(": {source}"),
        None => String::new(),
    };
    let remedy = match config::nearest(value, names.iter().copied()) {
        Some(nearest) => format!("did you mean {nearest:?}?"),
        None if names.is_empty() => format!("write another value, or leave {name:?} out"),
        None => format!("write one of {}", names.join(", ")),
    };
    Err(SettingError::new(format!("{name:?} can't be {value:?}{reason}"), remedy))
}

/// Returns two settings that conflict.
fn conflicting_settings(command: &Command, set: &BTreeMap<String, String>) -> Option<(String, String)> {
    let name = |arg: &Arg| arg.get_long().filter(|name| set.contains_key(*name)).map(str::to_owned);
    let own = command.get_arguments().find_map(|arg| {
        let one = name(arg)?;
        command.get_arg_conflicts_with(arg).into_iter().find_map(name).map(|other| (one, other))
    });
    own.or_else(|| command.get_subcommands().find_map(|subcommand| conflicting_settings(subcommand, set)))
}
