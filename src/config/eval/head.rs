//! Values whose parts may not be evaluated yet, and what can be wrong with them.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::outside;
use crate::config::diagnostic::{Bytes, Problem, nearest, quoted};

/// The number of a value that is evaluated when it is asked for.
pub(super) type ThunkId = usize;

/// What evaluation gives.
pub(super) type Attempt<T> = Result<T, Problem>;

/// A value whose parts may not be evaluated yet, and the expression that made it.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub(super) at: Bytes,
    pub(super) kind: HeadKind,
}

#[derive(Clone, Debug)]
pub(super) enum HeadKind {
    Null,
    Bool(bool),
    Int(i64),
    Str(Rc<str>),
    List(Rc<[ThunkId]>),
    Attrs(Rc<BTreeMap<Rc<str>, Slot>>),
}

#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) name_at: Bytes,
    pub(super) thunk: ThunkId,
}

pub(super) fn set<'h>(head: &'h Head, at: &Bytes, what: &str) -> Attempt<&'h Rc<BTreeMap<Rc<str>, Slot>>> {
    match &head.kind {
        HeadKind::Attrs(attrs) => Ok(attrs),
        other => Err(mismatch(at, what, other, "a set")),
    }
}

pub(super) fn list<'h>(head: &'h Head, at: &Bytes) -> Attempt<&'h Rc<[ThunkId]>> {
    match &head.kind {
        HeadKind::List(items) => Ok(items),
        other => Err(mismatch(at, "an operand of `++`", other, "a list")),
    }
}

pub(super) fn string<'h>(head: &'h Head, at: &Bytes, what: &str) -> Attempt<&'h Rc<str>> {
    match &head.kind {
        HeadKind::Str(text) => Ok(text),
        HeadKind::Attrs(attrs) if attrs.contains_key("outPath") || attrs.contains_key("__toString") => {
            Err(outside::string_of_set(at))
        }
        other => Err(mismatch(at, what, other, "a string")),
    }
}

pub(super) fn mismatch(at: &Bytes, what: &str, found: &HeadKind, expected: &str) -> Problem {
    let (found, hint) = match found {
        HeadKind::Null => ("null", "define it"),
        HeadKind::Bool(_) => ("a boolean", "put it in double quotes"),
        HeadKind::Int(_) => ("an integer", "put it in double quotes"),
        HeadKind::Str(_) => ("a string", "write it without quotes"),
        HeadKind::List(_) => ("a list", "take the brackets away"),
        HeadKind::Attrs(_) => ("a set", "take one of its attributes: `set.name`"),
    };
    let hint = match expected {
        "a string" => hint.to_owned(),
        "a list" => "put it in brackets: `[ … ]`".to_owned(),
        _ => format!("write {expected}"),
    };
    Problem::new(at, format!("{what} is {found}, expected {expected}"), hint)
}

pub(super) fn missing(name: &str, at: &Bytes, attrs: &BTreeMap<Rc<str>, Slot>) -> Problem {
    let known = attrs.keys().map(|name| &**name).take(1000);
    let hint = match nearest(name, known) {
        Some(meant) => format!("did you mean {}?", quoted(meant)),
        None => format!("add {} to the set, or write `or` and a default behind it", quoted(name)),
    };
    Problem::new(at, format!("the set has no attribute {}", quoted(name)), hint)
}

pub(super) fn endless(at: &Bytes) -> Problem {
    Problem::new(at, "infinite recursion: this value depends on itself", "define it without itself")
}
