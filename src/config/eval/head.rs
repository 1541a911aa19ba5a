//! Values in weak head normal form (the parts of lists and sets may be unevaluated), and errors about their types.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::unsupported;
use crate::config::nearest;
use crate::config::problem::{ByteRange, Problem, quoted};

/// Index of a thunk: a value that is evaluated when it is needed.
pub(super) type ThunkId = usize;

/// Result of an evaluation.
pub(super) type EvalResult<T> = Result<T, Problem>;

/// A value in weak head normal form, with the byte range of its expression.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub(super) at: ByteRange,
    pub(super) kind: HeadKind,
}

/// Type and content of a [`Head`].
#[derive(Clone, Debug)]
pub(super) enum HeadKind {
    Null,
    Bool(bool),
    Int(i64),
    Str(Rc<str>),
    List(Rc<[ThunkId]>),
    Attrs(Rc<BTreeMap<Rc<str>, Slot>>),
}

/// An attribute with an unevaluated value.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) name_at: ByteRange,
    pub(super) thunk: ThunkId,
}

/// Returns the content of a set, or an error about its type; `subject` names the value.
pub(super) fn expect_set<'h>(
    head: &'h Head,
    at: &ByteRange,
    subject: &str,
) -> EvalResult<&'h Rc<BTreeMap<Rc<str>, Slot>>> {
    match &head.kind {
        HeadKind::Attrs(attrs) => Ok(attrs),
        other => Err(type_mismatch(at, subject, other, "a set")),
    }
}

/// Returns the content of a list, or an error about its type.
pub(super) fn expect_list<'h>(head: &'h Head, at: &ByteRange) -> EvalResult<&'h Rc<[ThunkId]>> {
    match &head.kind {
        HeadKind::List(items) => Ok(items),
        other => Err(type_mismatch(at, "an operand of `++`", other, "a list")),
    }
}

/// Returns the content of a string, or an error about its type; `subject` names the value.
pub(super) fn expect_string<'h>(head: &'h Head, at: &ByteRange, subject: &str) -> EvalResult<&'h Rc<str>> {
    match &head.kind {
        HeadKind::Str(text) => Ok(text),
        HeadKind::Attrs(attrs) if attrs.contains_key("outPath") || attrs.contains_key("__toString") => {
            Err(unsupported::string_of_set(at))
        }
        other => Err(type_mismatch(at, subject, other, "a string")),
    }
}

pub(super) fn type_mismatch(at: &ByteRange, subject: &str, actual: &HeadKind, expected: &str) -> Problem {
    let (actual, hint) = match actual {
        HeadKind::Null => ("null", "define it"),
        HeadKind::Bool(_) => ("a boolean", "put it in double quotes"),
        HeadKind::Int(_) => ("an integer", "put it in double quotes"),
        HeadKind::Str(_) => ("a string", "write it without quotes"),
        HeadKind::List(_) => ("a list", "remove the brackets"),
        HeadKind::Attrs(_) => ("a set", "select one of its attributes: `set.name`"),
    };
    let hint = match expected {
        "a string" => hint.to_owned(),
        "a list" => "put it in brackets: `[ … ]`".to_owned(),
        _ => format!("write {expected}"),
    };
    Problem::new(at, format!("{subject} is {actual}, expected {expected}"), hint)
}

pub(super) fn missing_attribute(name: &str, at: &ByteRange, attrs: &BTreeMap<Rc<str>, Slot>) -> Problem {
    let names = attrs.keys().map(|name| &**name).take(1000);
    let hint = match nearest(name, names) {
        Some(suggestion) => format!("did you mean {}?", quoted(suggestion)),
        None => format!("add {} to the set, or write `or` and a default after it", quoted(name)),
    };
    Problem::new(at, format!("the set has no attribute {}", quoted(name)), hint)
}

pub(super) fn infinite_recursion(at: &ByteRange) -> Problem {
    Problem::new(at, "infinite recursion: this value depends on itself", "define it without a reference to itself")
}
