//! Errors of a job file at a byte range of its text.

use std::fmt::Write as _;
use std::ops::Range;

/// Maximum number of errors that are shown for a file.
pub(super) const MAX_DIAGNOSTICS: usize = 50;

/// Range of a job file's text, in bytes.
pub(super) type ByteRange = Range<usize>;

/// An error at a byte range of a job file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) at: ByteRange,
    pub(super) message: String,
    pub(super) hint: String,
    pub(super) kind: ProblemKind,
}

/// Kind of a [`Problem`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProblemKind {
    /// The file is wrong.
    Invalid,
    /// A variable isn't defined.
    Undefined,
    /// The file has a form that pikaci can't evaluate, and Nix may.
    Unsupported,
}

impl Problem {
    pub(super) fn new(at: &ByteRange, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { at: at.clone(), message: message.into(), hint: hint.into(), kind: ProblemKind::Invalid }
    }

    pub(super) fn of_kind(self, kind: ProblemKind) -> Self {
        Self { kind, ..self }
    }
}

/// Returns the line of a byte offset, counted from 1.
pub(super) fn line_of(text: &str, offset: usize) -> usize {
    text[..offset].matches('\n').count() + 1
}

/// Returns text of the file in backquotes, with control characters escaped and at most 80 characters long.
pub(super) fn quoted(text: &str) -> String {
    if text.is_empty() {
        return "`\"\"`".to_owned();
    }
    let mut quoted = String::from("`");
    for (count, c) in text.chars().enumerate() {
        if count == 80 {
            quoted.push('…');
            break;
        }
        if c.is_control() {
            // Writing to a String can't fail.
            write!(quoted, "{}", c.escape_default()).unwrap_or_default();
        } else {
            quoted.push(c);
        }
    }
    quoted.push('`');
    quoted
}
