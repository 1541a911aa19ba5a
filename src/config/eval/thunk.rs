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
    /// A variable of a scope: `inherit name`.
    Variable(Rc<str>, ByteRange, Option<ScopeId>),
    /// An attribute of another thunk's value: `inherit (x) name`.
    Attribute(ThunkId, Rc<str>, ByteRange),
    /// The result of a function, with the place of the call.
    Call(ThunkId, ThunkId, ByteRange),
    Running,
    Done(Head),
    Failed(Problem),
}

/// Names of a `rec` set or a `let`, or the set of a `with`; and the enclosing scope.
pub(super) struct Scope {
    pub(super) names: Rc<BTreeMap<Rc<str>, Slot>>,
    pub(super) with: Option<ThunkId>,
    pub(super) outer: Option<ScopeId>,
}
