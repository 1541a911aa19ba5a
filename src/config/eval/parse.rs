//! Parsing with rnix, for files without syntax errors.

use rnix::ast::Expr;
use rnix::{ParseError, Root, TextRange};

use crate::config::problem::{ByteRange, Problem};

/// Parses a file to its expression.
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
        ) => byte_range(*range),
        Some(_) => text.len()..text.len(),
    };
    Err(Problem::new(&at, "syntax error", "check the syntax here against the Nix manual"))
}

/// Converts a range of rnix.
pub(super) fn byte_range(range: TextRange) -> ByteRange {
    range.start().into()..range.end().into()
}
