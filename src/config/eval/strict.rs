//! Strict evaluation: an expression with all its nested values.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::evaluator::{Evaluator, MAX_DEPTH, VALUE_COST};
use super::expr::Expr;
use super::head::{HeadKind, ThunkId, infinite_recursion};
use super::value::{Attr, Value, ValueKind};
use crate::config::problem::{MAX_DIAGNOSTICS, Problem};

/// Evaluates an expression and all its nested values.
pub(super) fn evaluate_strict(expr: &Expr) -> Result<Value, Vec<Problem>> {
    let mut evaluator = Evaluator::new();
    let root = evaluator.delay(expr, None);
    let mut strict = StrictEvaluator { evaluator, open: Vec::new(), problems: Vec::new() };
    match strict.value(root) {
        Ok(Some(value)) if strict.problems.is_empty() => Ok(value),
        Ok(_) => Err(strict.problems),
        Err(Stop(problem)) => {
            strict.problems.push(problem);
            Err(strict.problems)
        }
    }
}

/// Problem that ends the evaluation at once, without a search for more problems.
struct Stop(Problem);

/// Evaluates values with their nested values, and continues after an error to report all errors.
struct StrictEvaluator<'a> {
    evaluator: Evaluator<'a>,
    /// Values in evaluation, from the outermost to the innermost.
    open: Vec<ThunkId>,
    problems: Vec<Problem>,
}

impl StrictEvaluator<'_> {
    fn value(&mut self, thunk: ThunkId) -> Result<Option<Value>, Stop> {
        let nowhere = 0..0;
        let head = match self.evaluator.force(thunk, &nowhere) {
            Ok(head) => head,
            Err(problem) if self.evaluator.is_exhausted() => return Err(Stop(problem)),
            Err(problem) => return self.record(problem),
        };
        if self.open.contains(&thunk) {
            return self.record(infinite_recursion(&head.at));
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(Stop(Problem::new(&head.at, "the value is nested too deeply", "nest it less")));
        }
        if let HeadKind::Function(_) = head.kind {
            let message = "a job file has values only, and this is a function";
            return self.record(Problem::new(&head.at, message, "call it with its arguments"));
        }
        let length = if let HeadKind::Str(text) = &head.kind { text.len() } else { 0 };
        self.evaluator.charge(VALUE_COST + length, &head.at).map_err(Stop)?;
        self.open.push(thunk);
        let kind = self.kind(head.kind);
        self.open.pop();
        Ok(Some(Value { at: head.at, kind: kind? }))
    }

    fn kind(&mut self, head: HeadKind) -> Result<ValueKind, Stop> {
        Ok(match head {
            HeadKind::Null | HeadKind::Function(_) => ValueKind::Null,
            HeadKind::Bool(value) => ValueKind::Bool(value),
            HeadKind::Int(value) => ValueKind::Int(value),
            HeadKind::Str(text) => ValueKind::Str(text),
            HeadKind::List(items) => {
                let mut values = Vec::with_capacity(items.len());
                for item in items.iter() {
                    values.extend(self.value(*item)?);
                }
                ValueKind::List(values)
            }
            HeadKind::Attrs(attrs) => {
                let mut values = BTreeMap::new();
                for (name, slot) in attrs.iter() {
                    if let Some(value) = self.value(slot.thunk)? {
                        values.insert(Rc::clone(name), Attr { name_at: slot.name_at.clone(), value });
                    }
                }
                ValueKind::Attrs(values)
            }
        })
    }

    /// Records a problem and continues, up to the maximum number of problems.
    fn record(&mut self, problem: Problem) -> Result<Option<Value>, Stop> {
        if self.problems.len() > MAX_DIAGNOSTICS {
            return Err(Stop(problem));
        }
        self.problems.push(problem);
        Ok(None)
    }
}
