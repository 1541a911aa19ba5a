//! Forms of Nix outside of the static subset: each has its word on what to write instead.

use rnix::SyntaxKind::{self, TOKEN_ASSERT, TOKEN_IF, TOKEN_WITH};

use crate::config::diagnostic::{Bytes, Problem, quoted};

fn outside(at: &Bytes, form: &str, instead: &str) -> Problem {
    let message = format!("{form} is outside of the static part of Nix that pikaci reads");
    Problem::new(at, message, format!("evaluating it with Nix comes later; write {instead} instead"))
}

pub(super) fn keyword(kind: SyntaxKind, at: &Bytes) -> Option<Problem> {
    match kind {
        TOKEN_IF => Some(outside(at, "`if`", "the value that is meant")),
        TOKEN_WITH => Some(outside(at, "`with`", "`set.name`, or `inherit (set) name;`")),
        TOKEN_ASSERT => Some(outside(at, "`assert`", "the value alone")),
        _ => None,
    }
}

pub(super) fn function(at: &Bytes) -> Problem {
    outside(at, "a function", "the set that it would return")
}

pub(super) fn call(last: &str, at: &Bytes) -> Problem {
    if last.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        return outside(at, &format!("a call of {}", quoted(last)), "its result");
    }
    outside(at, "a function call (two values side by side)", "its result, or a list in brackets,")
}

pub(super) fn legacy_let(at: &Bytes) -> Problem {
    outside(at, "`let { … }`", "`let … in …`")
}

pub(super) fn operator(at: &Bytes, operator: &str) -> Problem {
    outside(at, &format!("the operator `{operator}`"), "its result")
}

pub(super) fn arithmetic(at: &Bytes) -> Problem {
    outside(at, "arithmetic", "the number that is meant")
}

pub(super) fn float(at: &Bytes) -> Problem {
    outside(at, "a number with a fraction", "an integer, or a string,")
}

pub(super) fn path(at: &Bytes) -> Problem {
    outside(at, "a path", "a string, in double quotes,")
}

pub(super) fn uri(at: &Bytes) -> Problem {
    outside(at, "an unquoted URI", "a string, in double quotes,")
}

pub(super) fn builtin(at: &Bytes, name: &str) -> Problem {
    outside(at, &format!("the builtin {}", quoted(name)), "its result")
}

pub(super) fn overrides(at: &Bytes) -> Problem {
    outside(at, "`__overrides`", "`//`")
}

pub(super) fn string_of_set(at: &Bytes) -> Problem {
    outside(at, "a set as a string", "the string that is meant")
}

pub(super) fn comparison(at: &Bytes) -> Problem {
    outside(at, "a comparison or a logical operation", "`true` or `false`")
}
