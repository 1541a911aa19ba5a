//! Evaluation of the static subset of Nix: text to a [`Value`], with the same result as Nix.
//!
//! ```text
//! text ──scan, grammar──▶ text without syntax errors ──rnix──▶ syntax tree ──lower──▶ Expr ──scope, strict──▶ Value
//! ```

mod bind;
mod evaluate;
mod evaluator;
mod expr;
mod frame;
mod grammar;
mod head;
mod literal;
mod lower;
mod parse;
mod scan;
mod scope;
mod strict;
mod thunk;
mod unsupported;
mod value;

pub(super) use evaluate::evaluate;
pub(super) use value::{Attr, Attrs, Value, ValueKind};
