//! Evaluation of the static subset of Nix: text to a [`Value`], with the same result as Nix.
//!
//! ```text
//! text ──scan, grammar──▶ text without syntax errors ──rnix──▶ syntax tree ──lower──▶ Expr ──scope, strict──▶ Value
//! ```

mod bind;
mod builtin_names;
mod builtins;
mod call;
mod evaluate;
mod evaluator;
mod expr;
mod frame;
mod grammar;
mod head;
mod literal;
mod lookup;
mod lower;
mod operators;
mod other_format;
mod parse;
mod scan;
mod scope;
mod shell_expansion;
mod shell_length;
mod strict;
mod string_holes;
mod syntax_error;
mod thunk;
mod unsupported;
mod value;

pub(super) use evaluate::{EvalFailure, evaluate};
pub(super) use value::{Attr, Attrs, Value, ValueKind};
