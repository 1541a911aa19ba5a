//! Evaluation of a whole file.

use super::value::Value;
use super::{lower, other_format, parse, scan, scope, shell_expansion, strict};
use crate::config::problem::Problem;

/// Failure of an evaluation.
pub(crate) struct EvalFailure {
    pub(crate) problems: Vec<Problem>,
    /// Value of the file, if its only problem are expansions of the shell.
    pub(crate) value: Option<Value>,
}

/// Evaluates a file to its value, with all nested values.
pub(crate) fn evaluate(text: &str) -> Result<Value, EvalFailure> {
    evaluate_text(text).map_err(|problems| match other_format::detect(text) {
        Some(problem) => EvalFailure { problems: vec![problem], value: None },
        None => explain(text, problems),
    })
}

fn evaluate_text(text: &str) -> Result<Value, Vec<Problem>> {
    scan::scan(text).map_err(|problem| vec![problem])?;
    let tree = parse::parse(text).map_err(|problem| vec![problem])?;
    let expr = lower::lower(text, tree)?;
    scope::check(&expr)?;
    strict::evaluate_strict(&expr)
}

/// Returns the problems of a file, with one for each line on which a string has an expansion of the shell.
fn explain(text: &str, problems: Vec<Problem>) -> EvalFailure {
    let mut expansions = shell_expansion::shell_expansions(text);
    let mut result = Err(problems);
    if !expansions.is_empty() {
        // The parser fails at an expansion, or after it.
        result = evaluate_text(&shell_expansion::mask(text, &expansions));
    }
    if let Err(problems) = &mut result {
        let names = shell_expansion::undefined_names(text, problems);
        if !names.is_empty() {
            expansions.extend(names);
            expansions.sort_by_key(|hole| hole.at.start);
            result = evaluate_text(&shell_expansion::mask(text, &expansions));
        }
    }
    let mut failure = match result {
        Ok(value) => EvalFailure { problems: Vec::new(), value: Some(value) },
        Err(problems) => EvalFailure { problems, value: None },
    };
    failure.problems.extend(shell_expansion::problems(text, &expansions));
    failure
}
