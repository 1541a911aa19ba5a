//! Entry points: text of a job file to its value or its [`Config`].

use super::config::Config;
use super::diagnostic::Diagnostics;
use super::eval::EvalFailure;
use super::{eval, schema};

/// Parses and validates a job file; diagnostics show `file_name` as the name of the file.
///
/// # Errors
///
/// When the file is invalid. Returns all errors that don't hide behind another error.
pub fn read(file_name: &str, text: &str) -> Result<Config, Diagnostics> {
    let config = match eval::evaluate(text) {
        Ok(value) => schema::read(&value, text),
        Err(EvalFailure { mut problems, value }) => {
            problems.extend(value.and_then(|value| schema::read(&value, text).err()).unwrap_or_default());
            Err(problems)
        }
    };
    config.map_err(|problems| Diagnostics::new(file_name, text, problems))
}

/// Evaluates a job file to JSON, as `nix eval --json` prints it, without validating its keys.
///
/// # Errors
///
/// When the file can't be evaluated.
pub fn evaluate(file_name: &str, text: &str) -> Result<serde_json::Value, Diagnostics> {
    match eval::evaluate(text) {
        Ok(value) => Ok(value.to_json()),
        Err(failure) => Err(Diagnostics::new(file_name, text, failure.problems)),
    }
}
