//! Expressions of the static subset, as Nix understands them: parentheses gone, strings unescaped, attribute paths
//! merged into sets.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::config::diagnostic::Bytes;

/// An expression and where it is written.
#[derive(Debug)]
pub(super) struct Expr {
    pub(super) at: Bytes,
    pub(super) kind: ExprKind,
}

/// The forms of the static subset.
#[derive(Debug)]
pub(super) enum ExprKind {
    Int(i64),
    Str(Rc<str>),
    /// A string with interpolations.
    Interpolated(Vec<Expr>),
    Var(Rc<str>),
    List(Vec<Expr>),
    Attrs(Bindings),
    Let(Bindings, Box<Expr>),
    Select(Box<Select>),
    Negate(Box<Expr>),
    Binary(Operator, Box<(Expr, Expr)>),
}

/// The operators of the static subset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    /// `//`
    Update,
    /// `++`
    Concat,
    /// `+`
    Add,
}

/// `set.path or default`
#[derive(Debug)]
pub(super) struct Select {
    pub(super) set: Expr,
    pub(super) path: Vec<Name>,
    pub(super) default: Option<Expr>,
}

/// A name in an attribute path.
#[derive(Debug)]
pub(super) enum Name {
    Static(Rc<str>, Bytes),
    Dynamic(Expr),
}

/// What stands between the braces of a set, or between `let` and `in`.
#[derive(Debug, Default)]
pub(super) struct Bindings {
    pub(super) recursive: bool,
    pub(super) attrs: BTreeMap<Rc<str>, Binding>,
    pub(super) dynamic: Vec<(Expr, Expr)>,
    /// What `inherit (x)` takes from.
    pub(super) sources: Vec<Expr>,
}

/// A name that is bound.
#[derive(Debug)]
pub(super) struct Binding {
    pub(super) name_at: Bytes,
    pub(super) value: Bound,
}

/// What a name is bound to.
#[derive(Debug)]
pub(super) enum Bound {
    Plain(Expr),
    /// The variable of this name outside of the set.
    Inherited,
    /// The attribute of this name of the numbered source.
    InheritedFrom(usize),
}
