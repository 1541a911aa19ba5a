//! Values in weak head normal form (the parts of lists and sets may be unevaluated), and errors about their types.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::builtin_names::Builtin;
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
    Function(Function),
}

/// A function that waits for an argument.
#[derive(Clone, Debug)]
pub(super) enum Function {
    /// Index of a function of the file.
    Closure(usize),
    /// A function of Nix, with its first arguments.
    Builtin(Builtin, Rc<[ThunkId]>),
}

impl HeadKind {
    /// Returns the type, for messages.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            HeadKind::Null => "null",
            HeadKind::Bool(_) => "a boolean",
            HeadKind::Int(_) => "an integer",
            HeadKind::Str(_) => "a string",
            HeadKind::List(_) => "a list",
            HeadKind::Attrs(_) => "a set",
            HeadKind::Function(_) => "a function",
        }
    }
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

/// Returns the content of a list, or an error about its type; `subject` names the value.
pub(super) fn expect_list<'h>(head: &'h Head, at: &ByteRange, subject: &str) -> EvalResult<&'h Rc<[ThunkId]>> {
    match &head.kind {
        HeadKind::List(items) => Ok(items),
        other => Err(type_mismatch(at, subject, other, "a list")),
    }
}

/// Returns a boolean, or an error about the type of the value; `subject` names the value.
pub(super) fn expect_bool(head: &Head, at: &ByteRange, subject: &str) -> EvalResult<bool> {
    match head.kind {
        HeadKind::Bool(value) => Ok(value),
        ref other => Err(type_mismatch(at, subject, other, "a boolean")),
    }
}

/// Returns an integer, or an error about the type of the value; `subject` names the value.
pub(super) fn expect_int(head: &Head, at: &ByteRange, subject: &str) -> EvalResult<i64> {
    match head.kind {
        HeadKind::Int(value) => Ok(value),
        ref other => Err(type_mismatch(at, subject, other, "an integer")),
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
    let hint = match (expected, actual) {
        ("a list", _) => "put it in brackets: `[ … ]`".to_owned(),
        ("a string", HeadKind::Null) => "define it".to_owned(),
        ("a string", HeadKind::List(_)) => "remove the brackets".to_owned(),
        ("a string", HeadKind::Attrs(_)) => "select one of its attributes: `set.name`".to_owned(),
        ("a string", _) => "put it in double quotes".to_owned(),
        _ => format!("write {expected}"),
    };
    let actual = actual.type_name();
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
