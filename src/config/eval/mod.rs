//! The static subset of Nix: text to a [`Value`], as the real Nix would evaluate it.
//!
//! ```text
//! text ──scan, grammar──▶ harmless text ──rnix──▶ syntax tree ──lower──▶ Expr ──scope, run──▶ Value
//! ```

mod binding;
mod complete;
mod expr;
mod frame;
mod grammar;
mod head;
mod literal;
mod lower;
mod outside;
mod run;
mod scan;
mod scope;
mod syntax;
mod value;

pub(super) use value::{Attr, Attrs, Kind, Value};

use super::diagnostic::Problem;

/// Evaluates a file completely.
pub(super) fn evaluate(text: &str) -> Result<Value, Vec<Problem>> {
    scan::scan(text).map_err(|problem| vec![problem])?;
    let tree = syntax::parse(text).map_err(|problem| vec![problem])?;
    let expr = lower::lower(text, tree)?;
    scope::check(&expr)?;
    complete::evaluate(&expr)
}
