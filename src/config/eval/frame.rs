//! Where in a file the grammar is.

use rnix::SyntaxKind;

use crate::config::diagnostic::Bytes;

/// What a bracket holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Inside {
    /// An expression: the file, parentheses, an interpolation.
    Expr,
    List,
    /// A set, or what stands between `let` and `in`.
    Bindings,
    Str,
}

/// What comes next.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// An expression, which `let` can start.
    Expr,
    /// What follows an operator.
    Operand,
    /// What follows `or`: neither `let` nor a sign.
    Simple,
    /// What follows `[`: the same, or `]`.
    Element,
    Operator,
    /// The `{` of `rec`.
    RecSet,
    /// A name after a `.`, then an operator.
    Selected,
    /// `name = …;`, `inherit …;` or the end of the bindings.
    Binding,
    /// A name after a `.`, then `.` or `=`.
    PathName,
    /// `.` or `=`
    AfterName,
    /// `(` or a name
    InheritSource,
    InheritName,
}

/// An open bracket, or the file.
pub(super) struct Frame {
    pub(super) open: Bytes,
    pub(super) closer: SyntaxKind,
    pub(super) inside: Inside,
    pub(super) next: Next,
    pub(super) tokens: usize,
}
