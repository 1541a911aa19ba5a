//! Calls of functions.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::evaluator::{Evaluator, VALUE_COST};
use super::expr::Expr;
use super::head::{EvalResult, Function, Head, HeadKind, Slot, ThunkId, type_mismatch};
use super::thunk::{Scope, ScopeId, Thunk};
use super::unsupported;
use crate::config::problem::ByteRange;

impl<'a> Evaluator<'a> {
    pub(super) fn apply_expr(
        &mut self,
        parts: &'a (Expr, Expr),
        scope: Option<ScopeId>,
        at: &ByteRange,
    ) -> EvalResult<Head> {
        let function = self.eval(&parts.0, scope)?;
        let argument = self.delay(&parts.1, scope);
        self.call(&function, argument, at)
    }

    pub(super) fn call_thunk(&mut self, function: ThunkId, argument: ThunkId, at: &ByteRange) -> EvalResult<Head> {
        let function = self.force(function, at)?;
        self.nested(at, |evaluator| evaluator.call(&function, argument, at))
    }

    /// Adds a thunk for the result of a function.
    pub(super) fn delay_call(&mut self, function: ThunkId, argument: ThunkId, at: &ByteRange) -> ThunkId {
        self.push(Thunk::Call(function, argument, at.clone()))
    }

    pub(super) fn call(&mut self, function: &Head, argument: ThunkId, at: &ByteRange) -> EvalResult<Head> {
        self.charge(2 * VALUE_COST, at)?;
        match &function.kind {
            HeadKind::Function(Function::Closure(id)) => {
                let (lambda, outer) = self.closures[*id];
                let slot = Slot { name_at: lambda.parameter_at.clone(), thunk: argument };
                let names = Rc::new(BTreeMap::from([(Rc::clone(&lambda.parameter), slot)]));
                self.scopes.push(Scope { names, with: None, outer });
                self.eval(&lambda.body, Some(self.scopes.len() - 1))
            }
            HeadKind::Function(Function::Builtin(builtin, first)) => {
                let arguments: Rc<[ThunkId]> = first.iter().copied().chain([argument]).collect();
                let kind = if arguments.len() < builtin.arity {
                    HeadKind::Function(Function::Builtin(builtin, arguments))
                } else {
                    return self.nested(at, |evaluator| evaluator.builtin(builtin.name, &arguments, at));
                };
                Ok(Head { at: at.clone(), kind })
            }
            HeadKind::Attrs(attrs) if attrs.contains_key("__functor") => Err(unsupported::functor(at)),
            other => Err(type_mismatch(at, "the called value", other, "a function")),
        }
    }
}
