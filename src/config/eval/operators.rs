//! Operators: arithmetic, comparison, logic, and the joining of strings, lists and sets.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::evaluator::{Evaluator, VALUE_COST};
use super::expr::{Expr, ExprKind, Operator};
use super::head::{
    EvalResult, Head, HeadKind, ThunkId, expect_bool, expect_int, expect_list, expect_set, expect_string, type_mismatch,
};
use super::thunk::ScopeId;
use super::unsupported;
use crate::config::problem::{ByteRange, Problem};

impl<'a> Evaluator<'a> {
    /// Evaluates a form whose first part decides about the rest: `if`, `with`, `assert`.
    pub(super) fn guarded(&mut self, expr: &'a Expr, scope: Option<ScopeId>) -> EvalResult<Head> {
        match &expr.kind {
            ExprKind::If(parts) => {
                let [condition, then, otherwise] = &**parts;
                let holds = self.condition(condition, scope, "the condition of `if`")?;
                self.eval(if holds { then } else { otherwise }, scope)
            }
            ExprKind::Assert(parts) => {
                if !self.condition(&parts.0, scope, "the condition of `assert`")? {
                    return Err(Problem::new(&parts.0.at, "this assertion is false", "correct the values of it"));
                }
                self.eval(&parts.1, scope)
            }
            ExprKind::With(parts) => {
                let inner = self.with_scope(&parts.0, scope);
                self.eval(&parts.1, Some(inner))
            }
            _ => self.eval(expr, scope),
        }
    }

    /// Evaluates a condition; `subject` names it.
    pub(super) fn condition(&mut self, expr: &'a Expr, scope: Option<ScopeId>, subject: &str) -> EvalResult<bool> {
        let head = self.eval(expr, scope)?;
        expect_bool(&head, &expr.at, subject)
    }

    pub(super) fn negate(&mut self, operand: &'a Expr, scope: Option<ScopeId>) -> EvalResult<HeadKind> {
        let number = expect_int(&self.eval(operand, scope)?, &operand.at, "the operand of `-`")?;
        // Nix subtracts from zero.
        Ok(HeadKind::Int(0_i64.checked_sub(number).ok_or_else(|| overflow(&operand.at))?))
    }

    pub(super) fn binary(
        &mut self,
        operator: Operator,
        operands: &'a (Expr, Expr),
        scope: Option<ScopeId>,
        at: &ByteRange,
    ) -> EvalResult<HeadKind> {
        if matches!(operator, Operator::And | Operator::Or | Operator::Implies) {
            return Ok(HeadKind::Bool(self.logic(operator, operands, scope)?));
        }
        let first = self.eval(&operands.0, scope)?;
        let second = self.eval(&operands.1, scope)?;
        self.apply(operator, &first, &second, operands, at)
    }

    /// Evaluates the second operand only if the first one doesn't decide.
    fn logic(&mut self, operator: Operator, operands: &'a (Expr, Expr), scope: Option<ScopeId>) -> EvalResult<bool> {
        let subject = format!("an operand of `{}`", operator.name());
        match (operator, self.condition(&operands.0, scope, &subject)?) {
            (Operator::And, false) => Ok(false),
            (Operator::Or, true) | (Operator::Implies, false) => Ok(true),
            _ => self.condition(&operands.1, scope, &subject),
        }
    }

    fn apply(
        &mut self,
        operator: Operator,
        first: &Head,
        second: &Head,
        (left, right): &(Expr, Expr),
        at: &ByteRange,
    ) -> EvalResult<HeadKind> {
        let subject = format!("an operand of `{}`", operator.name());
        let bool = |value| Ok(HeadKind::Bool(value));
        match operator {
            Operator::Update => {
                let (old, new) = (expect_set(first, &left.at, &subject)?, expect_set(second, &right.at, &subject)?);
                self.charge((old.len() + new.len()) * VALUE_COST, at)?;
                let mut attrs = BTreeMap::clone(old);
                attrs.extend(new.iter().map(|(name, slot)| (Rc::clone(name), slot.clone())));
                Ok(HeadKind::Attrs(Rc::new(attrs)))
            }
            Operator::Concat => {
                let (first, second) =
                    (expect_list(first, &left.at, &subject)?, expect_list(second, &right.at, &subject)?);
                self.charge((first.len() + second.len()) * size_of::<ThunkId>(), at)?;
                Ok(HeadKind::List(first.iter().chain(second.iter()).copied().collect()))
            }
            Operator::Add if !matches!(first.kind, HeadKind::Int(_)) => {
                if let HeadKind::List(_) = first.kind {
                    return Err(Problem::new(at, "`+` doesn't join lists", "join them with `++`"));
                }
                let (first, second) =
                    (expect_string(first, &left.at, &subject)?, expect_string(second, &right.at, &subject)?);
                self.charge(first.len() + second.len(), at)?;
                Ok(HeadKind::Str([&**first, &**second].concat().into()))
            }
            Operator::Equal => bool(self.is_equal(first, second, at)?),
            Operator::NotEqual => bool(!self.is_equal(first, second, at)?),
            Operator::Less => bool(self.is_less(first, second, at)?),
            Operator::LessOrEqual => bool(!self.is_less(second, first, at)?),
            Operator::More => bool(self.is_less(second, first, at)?),
            Operator::MoreOrEqual => bool(!self.is_less(first, second, at)?),
            _ => {
                let (a, b) = (expect_int(first, &left.at, &subject)?, expect_int(second, &right.at, &subject)?);
                if operator == Operator::Divide && b == 0 {
                    return Err(Problem::new(&right.at, "division by zero", "divide by another number"));
                }
                let result = match operator {
                    Operator::Subtract => a.checked_sub(b),
                    Operator::Multiply => a.checked_mul(b),
                    Operator::Divide => a.checked_div(b),
                    _ => a.checked_add(b),
                };
                Ok(HeadKind::Int(result.ok_or_else(|| overflow(at))?))
            }
        }
    }

    /// Compares two values with all their nested values; values of different types are different.
    pub(super) fn is_equal(&mut self, first: &Head, second: &Head, at: &ByteRange) -> EvalResult<bool> {
        self.charge(VALUE_COST, at)?;
        match (&first.kind, &second.kind) {
            (HeadKind::Null, HeadKind::Null) => Ok(true),
            (HeadKind::Bool(a), HeadKind::Bool(b)) => Ok(a == b),
            (HeadKind::Int(a), HeadKind::Int(b)) => Ok(a == b),
            (HeadKind::Str(a), HeadKind::Str(b)) => {
                self.charge(a.len().min(b.len()), at)?;
                Ok(a == b)
            }
            (HeadKind::List(a), HeadKind::List(b)) => {
                Ok(a.len() == b.len() && self.are_equal(a.iter().copied().zip(b.iter().copied()), at)?)
            }
            (HeadKind::Attrs(a), HeadKind::Attrs(b)) => {
                // Nix compares only the output paths of two derivations.
                if a.contains_key("type") && b.contains_key("type") {
                    return Err(unsupported::derivations(at));
                }
                let pairs = a.values().map(|slot| slot.thunk).zip(b.values().map(|slot| slot.thunk));
                Ok(a.keys().eq(b.keys()) && self.are_equal(pairs, at)?)
            }
            (HeadKind::Function(_), HeadKind::Function(_)) => Err(unsupported::functions(at)),
            _ => Ok(false),
        }
    }

    fn are_equal(&mut self, mut pairs: impl Iterator<Item = (ThunkId, ThunkId)>, at: &ByteRange) -> EvalResult<bool> {
        self.nested(at, |evaluator| {
            pairs.try_fold(true, |is_equal, (a, b)| {
                if !is_equal {
                    return Ok(false);
                }
                let (first, second) = (evaluator.force(a, at)?, evaluator.force(b, at)?);
                // Nix compares a value with itself by its place: functions too.
                if a == b { Ok(true) } else { evaluator.is_equal(&first, &second, at) }
            })
        })
    }

    /// Compares two integers, strings or lists.
    fn is_less(&mut self, first: &Head, second: &Head, at: &ByteRange) -> EvalResult<bool> {
        self.charge(VALUE_COST, at)?;
        match (&first.kind, &second.kind) {
            (HeadKind::Int(a), HeadKind::Int(b)) => Ok(a < b),
            (HeadKind::Str(a), HeadKind::Str(b)) => {
                self.charge(a.len().min(b.len()), at)?;
                Ok(a < b)
            }
            (HeadKind::List(a), HeadKind::List(b)) => self.nested(at, |evaluator| {
                for (a, b) in a.iter().zip(b.iter()) {
                    let (a, b) = (evaluator.force(*a, at)?, evaluator.force(*b, at)?);
                    if !evaluator.is_equal(&a, &b, at)? {
                        return evaluator.is_less(&a, &b, at);
                    }
                }
                Ok(a.len() < b.len())
            }),
            (a @ (HeadKind::Int(_) | HeadKind::Str(_) | HeadKind::List(_)), b) => {
                Err(type_mismatch(at, "the other operand of this comparison", b, a.type_name()))
            }
            (other, _) => Err(type_mismatch(at, "an operand of this comparison", other, "an integer or a string")),
        }
    }
}

fn overflow(at: &ByteRange) -> Problem {
    Problem::new(at, "the result is too large for an integer", "write smaller numbers")
}
