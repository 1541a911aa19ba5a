//! Errors for forms of Nix outside of the static subset; the hint of each names the form to write instead.

use crate::config::problem::{ByteRange, Problem, ProblemKind, quoted};

fn unsupported(at: &ByteRange, form: &str, instead: &str) -> Problem {
    let message = format!("{form} is outside of the static part of Nix that pikaci reads");
    Problem::new(at, message, format!("write {instead} instead")).of_kind(ProblemKind::Unsupported)
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

pub(super) fn derivations(at: &ByteRange) -> Problem {
    unsupported(at, "a comparison of sets with the attribute `type`", "`true` or `false`")
}

pub(super) fn functions(at: &ByteRange) -> Problem {
    unsupported(at, "a comparison of functions", "`true` or `false`")
}

pub(super) fn functor(at: &ByteRange) -> Problem {
    unsupported(at, "a call of a set", "its result")
}
