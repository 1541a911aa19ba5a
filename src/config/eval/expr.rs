//! Expressions of the static subset: without parentheses, with strings unescaped and attribute paths merged into sets.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::config::problem::ByteRange;

/// An expression and its byte range.
#[derive(Debug)]
pub(super) struct Expr {
    pub(super) at: ByteRange,
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
    If(Box<[Expr; 3]>),
    /// `with set; body`
    With(Box<(Expr, Expr)>),
    /// `assert condition; body`
    Assert(Box<(Expr, Expr)>),
    /// `set ? path`
    Has(Box<(Expr, Vec<Name>)>),
    /// `parameter: body`
    Lambda(Box<Lambda>),
    /// A function and its argument.
    Apply(Box<(Expr, Expr)>),
    Negate(Box<Expr>),
    Not(Box<Expr>),
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
    Subtract,
    Multiply,
    Divide,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    More,
    MoreOrEqual,
    And,
    Or,
    /// `->`
    Implies,
}

impl Operator {
    /// Returns the operator as Nix spells it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Update => "//",
            Self::Concat => "++",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::More => ">",
            Self::MoreOrEqual => ">=",
            Self::And => "&&",
            Self::Or => "||",
            Self::Implies => "->",
        }
    }
}

/// A function with one parameter.
#[derive(Debug)]
pub(super) struct Lambda {
    pub(super) parameter: Rc<str>,
    pub(super) parameter_at: ByteRange,
    pub(super) body: Expr,
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
    Static(Rc<str>, ByteRange),
    Dynamic(Expr),
}

/// Bindings of a set or a `let`.
#[derive(Debug, Default)]
pub(super) struct Bindings {
    pub(super) recursive: bool,
    pub(super) attrs: BTreeMap<Rc<str>, Binding>,
    pub(super) dynamic: Vec<(Expr, Expr)>,
    /// The sets `x` of each `inherit (x) …`.
    pub(super) sources: Vec<Expr>,
}

/// A bound name.
#[derive(Debug)]
pub(super) struct Binding {
    pub(super) name_at: ByteRange,
    pub(super) value: Bound,
}

/// Source of the value of a bound name.
#[derive(Debug)]
pub(super) enum Bound {
    Plain(Expr),
    /// The variable of the same name outside of the set.
    Inherited,
    /// The attribute of the same name in a set of [`Bindings::sources`], by its index.
    InheritedFrom(usize),
}
