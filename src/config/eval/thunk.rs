//! Thunks and the scopes of their names.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::expr::Expr;
use super::head::{Head, Slot, ThunkId};
use crate::config::problem::{ByteRange, Problem};

/// Index of a scope.
pub(super) type ScopeId = usize;

/// A value that is evaluated when it is needed.
pub(super) enum Thunk<'a> {
    Delayed(&'a Expr, Option<ScopeId>),
    /// An attribute of another thunk's value: `inherit (x) name`.
    Attribute(ThunkId, Rc<str>, ByteRange),
    Running,
    Done(Head),
    Failed(Problem),
}

/// Names of a `rec` set or a `let`, and the enclosing scope.
pub(super) struct Scope {
    pub(super) names: Rc<BTreeMap<Rc<str>, Slot>>,
    pub(super) outer: Option<ScopeId>,
}
