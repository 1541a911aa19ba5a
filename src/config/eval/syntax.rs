//! rnix, for files without a syntax error.

use rnix::ast::Expr;
use rnix::{ParseError, Root, TextRange};

use crate::config::diagnostic::{Bytes, Problem};

/// Parses a file to the expression that it is.
pub(super) fn parse(text: &str) -> Result<Expr, Problem> {
    let parsed = Root::parse(text);
    let at = match parsed.errors().first() {
        None => match parsed.tree().expr() {
            Some(expr) => return Ok(expr),
            None => text.len()..text.len(),
        },
        Some(
            ParseError::Unexpected(range)
            | ParseError::UnexpectedExtra(range)
            | ParseError::UnexpectedWanted(_, range, _)
            | ParseError::UnexpectedDoubleBind(range)
            | ParseError::DuplicatedArgs(range, _),
        ) => bytes(*range),
        Some(_) => text.len()..text.len(),
    };
    Err(Problem::new(&at, "syntax error", "compare what is written here with the Nix manual"))
}

/// Returns the bytes of a range of rnix's.
pub(super) fn bytes(range: TextRange) -> Bytes {
    range.start().into()..range.end().into()
}
