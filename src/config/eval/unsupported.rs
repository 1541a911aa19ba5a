//! Errors for forms of Nix outside of the static subset; the hint of each names the form to write instead.

use rnix::SyntaxKind::{self, TOKEN_ASSERT, TOKEN_IF, TOKEN_WITH};

use crate::config::problem::{ByteRange, Problem, quoted};

fn unsupported(at: &ByteRange, form: &str, instead: &str) -> Problem {
    let message = format!("{form} is outside of the static part of Nix that pikaci reads");
    Problem::new(at, message, format!("write {instead} instead; this pikaci doesn't evaluate job files with Nix"))
}

pub(super) fn keyword(kind: SyntaxKind, at: &ByteRange) -> Option<Problem> {
    match kind {
        TOKEN_IF => Some(unsupported(at, "`if`", "the resulting value")),
        TOKEN_WITH => Some(unsupported(at, "`with`", "`set.name`, or `inherit (set) name;`")),
        TOKEN_ASSERT => Some(unsupported(at, "`assert`", "the value alone")),
        _ => None,
    }
}

pub(super) fn function(at: &ByteRange) -> Problem {
    unsupported(at, "a function", "the set that it would return")
}

pub(super) fn call(last: &str, at: &ByteRange) -> Problem {
    if last.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        return unsupported(at, &format!("a call of {}", quoted(last)), "its result");
    }
    unsupported(at, "a function call (two values side by side)", "its result, or a list in brackets,")
}

pub(super) fn legacy_let(at: &ByteRange) -> Problem {
    unsupported(at, "`let { … }`", "`let … in …`")
}

pub(super) fn operator(at: &ByteRange, operator: &str) -> Problem {
    unsupported(at, &format!("the operator `{operator}`"), "its result")
}

pub(super) fn arithmetic(at: &ByteRange) -> Problem {
    unsupported(at, "arithmetic", "the resulting number")
}

pub(super) fn float(at: &ByteRange) -> Problem {
    unsupported(at, "a number with a fraction", "an integer, or a string,")
}

pub(super) fn path(at: &ByteRange) -> Problem {
    unsupported(at, "a path", "a string, in double quotes,")
}

pub(super) fn uri(at: &ByteRange) -> Problem {
    unsupported(at, "an unquoted URI", "a string, in double quotes,")
}

pub(super) fn builtin(at: &ByteRange, name: &str) -> Problem {
    unsupported(at, &format!("the builtin {}", quoted(name)), "its result")
}

pub(super) fn overrides(at: &ByteRange) -> Problem {
    unsupported(at, "`__overrides`", "`//`")
}

pub(super) fn string_of_set(at: &ByteRange) -> Problem {
    unsupported(at, "a set as a string", "the string itself")
}

pub(super) fn comparison(at: &ByteRange) -> Problem {
    unsupported(at, "a comparison or a logical operation", "`true` or `false`")
}
