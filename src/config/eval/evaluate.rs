//! Evaluation of a whole file.

use super::value::Value;
use super::{lower, parse, scan, scope, strict};
use crate::config::problem::Problem;

/// Evaluates a file to its value, with all nested values.
pub(crate) fn evaluate(text: &str) -> Result<Value, Vec<Problem>> {
    scan::scan(text).map_err(|problem| vec![problem])?;
    let tree = parse::parse(text).map_err(|problem| vec![problem])?;
    let expr = lower::lower(text, tree)?;
    scope::check(&expr)?;
    strict::evaluate_strict(&expr)
}
