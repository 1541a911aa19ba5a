//! State of the grammar within a bracket.

use rnix::SyntaxKind;

use crate::config::problem::ByteRange;

/// Content of a bracket.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Inside {
    /// An expression: the file, parentheses, an interpolation.
    Expr,
    List,
    /// The bindings of a set or a `let`.
    Bindings,
    Str,
}

/// Form that the grammar expects next.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// An expression, with `let` allowed.
    Expr,
    /// The operand after an operator.
    Operand,
    /// The operand after an operator that binds less than `!`.
    Inverted,
    /// The default after `or`: neither `let` nor a sign is allowed.
    Simple,
    /// A list element, without `let` and sign, or `]`.
    Element,
    Operator,
    /// An operator, or the colon after the parameter of a function.
    Parameter,
    /// The `{` of `rec`.
    RecSet,
    /// A name after a `.` of an expression; an operator follows.
    Selected,
    /// A name after a `?`, or after a `.` behind it.
    TestName,
    /// `.` or an operator after a name that is tested.
    Tested,
    /// `name = …;`, `inherit …;` or the end of the bindings.
    Binding,
    /// A name after a `.` of a bound path; `.` or `=` follows.
    PathName,
    /// `.` or `=` after a name of a bound path.
    AfterName,
    /// `(` or a name after `inherit`.
    InheritSource,
    InheritName,
}

/// An open bracket, or the file.
pub(super) struct Frame {
    pub(super) open: ByteRange,
    pub(super) closer: SyntaxKind,
    pub(super) inside: Inside,
    pub(super) next: Next,
    pub(super) tokens: usize,
    pub(super) compared: Compared,
    /// True after the first argument of a function.
    pub(super) applied: bool,
}

/// Comparisons before the current operand that a further comparison can't follow.
#[derive(Clone, Copy, Default)]
pub(super) struct Compared {
    /// `==` or `!=`
    pub(super) equality: bool,
    /// `<`, `<=`, `>` or `>=`
    pub(super) order: bool,
}
