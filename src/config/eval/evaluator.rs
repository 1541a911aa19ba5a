//! Lazy evaluation, as in Nix: an expression is evaluated when its value is needed, and only once.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::expr::{Binding, Bindings, Bound, Expr, ExprKind, Lambda};
use super::head::{
    EvalResult, Function, Head, HeadKind, Slot, ThunkId, expect_set, expect_string, infinite_recursion,
    missing_attribute, type_mismatch,
};
use super::thunk::{Scope, ScopeId, Thunk};
use crate::config::problem::{ByteRange, Problem, ProblemKind, quoted};

/// Maximum number of nested expressions in evaluation.
pub(super) const MAX_DEPTH: usize = 200;
/// Maximum cost of a file's evaluation; a unit is about a byte of memory.
const MAX_COST: usize = 1 << 26;
/// Cost of a value.
pub(super) const VALUE_COST: usize = 64;

/// State of the evaluation of a file.
pub(super) struct Evaluator<'a> {
    thunks: Vec<Thunk<'a>>,
    pub(super) scopes: Vec<Scope>,
    /// Functions of the file, with their scopes.
    pub(super) closures: Vec<(&'a Lambda, Option<ScopeId>)>,
    cost: usize,
    depth: usize,
}

impl<'a> Evaluator<'a> {
    pub(super) fn new() -> Self {
        Self { thunks: Vec::new(), scopes: Vec::new(), closures: Vec::new(), cost: 0, depth: 0 }
    }

    pub(super) fn push(&mut self, thunk: Thunk<'a>) -> ThunkId {
        self.thunks.push(thunk);
        self.thunks.len() - 1
    }

    /// Adds a thunk for an expression.
    pub(super) fn delay(&mut self, expr: &'a Expr, scope: Option<ScopeId>) -> ThunkId {
        self.push(Thunk::Delayed(expr, scope))
    }

    /// Adds the cost of a value; fails when the file costs too much.
    pub(super) fn charge(&mut self, cost: usize, at: &ByteRange) -> EvalResult<()> {
        self.cost = self.cost.saturating_add(cost);
        if self.is_exhausted() {
            return Err(Problem::new(
                at,
                "the file evaluates to too much data",
                "repeat less, or keep data in files of its own",
            ));
        }
        Ok(())
    }

    pub(super) fn is_exhausted(&self) -> bool {
        self.cost > MAX_COST
    }

    /// Evaluates a thunk, unless it is evaluated already.
    pub(super) fn force(&mut self, thunk: ThunkId, at: &ByteRange) -> EvalResult<Head> {
        match &self.thunks[thunk] {
            Thunk::Done(head) => return Ok(head.clone()),
            Thunk::Failed(problem) => return Err(problem.clone()),
            Thunk::Running => return Err(infinite_recursion(at)),
            Thunk::Delayed(..) | Thunk::Variable(..) | Thunk::Attribute(..) | Thunk::Call(..) => {}
        }
        let result = match std::mem::replace(&mut self.thunks[thunk], Thunk::Running) {
            Thunk::Delayed(expr, scope) => self.eval(expr, scope),
            Thunk::Variable(name, at, scope) => self.variable(&name, &at, scope),
            Thunk::Attribute(source, name, at) => self.attribute(source, &name, &at),
            Thunk::Call(function, argument, at) => self.call_thunk(function, argument, &at),
            Thunk::Done(head) => Ok(head),
            Thunk::Running | Thunk::Failed(_) => Err(infinite_recursion(at)),
        };
        self.thunks[thunk] = match &result {
            Ok(head) => Thunk::Done(head.clone()),
            Err(problem) => Thunk::Failed(problem.clone()),
        };
        result
    }

    fn attribute(&mut self, source: ThunkId, name: &Rc<str>, at: &ByteRange) -> EvalResult<Head> {
        let head = self.nested(at, |evaluator| evaluator.force(source, at))?;
        let attrs = expect_set(&head, at, "the source of `inherit`")?;
        match attrs.get(name) {
            Some(slot) => self.nested(at, |evaluator| evaluator.force(slot.thunk, at)),
            None => Err(missing_attribute(name, at, attrs)),
        }
    }

    /// Runs a nested step of the evaluation within the depth limit.
    pub(super) fn nested<T>(&mut self, at: &ByteRange, step: impl FnOnce(&mut Self) -> EvalResult<T>) -> EvalResult<T> {
        if self.depth >= MAX_DEPTH {
            let message = format!("evaluation goes more than {MAX_DEPTH} levels deep");
            let problem = Problem::new(at, message, "define the value through fewer names");
            return Err(problem.of_kind(ProblemKind::Unsupported));
        }
        self.depth += 1;
        let result = step(self);
        self.depth -= 1;
        result
    }

    pub(super) fn eval(&mut self, expr: &'a Expr, scope: Option<ScopeId>) -> EvalResult<Head> {
        self.charge(VALUE_COST, &expr.at)?;
        self.nested(&expr.at, |evaluator| evaluator.eval_form(expr, scope))
    }

    fn eval_form(&mut self, expr: &'a Expr, scope: Option<ScopeId>) -> EvalResult<Head> {
        let kind = match &expr.kind {
            ExprKind::Int(number) => HeadKind::Int(*number),
            ExprKind::Str(text) => HeadKind::Str(Rc::clone(text)),
            ExprKind::Var(name) => return self.variable(name, &expr.at, scope),
            ExprKind::Interpolated(parts) => self.interpolate(parts, scope, &expr.at)?,
            ExprKind::List(items) => HeadKind::List(items.iter().map(|item| self.delay(item, scope)).collect()),
            ExprKind::Attrs(bindings) => self.set(bindings, scope)?,
            ExprKind::Let(bindings, body) => {
                let inner = self.scope(bindings, scope);
                return self.eval(body, Some(inner));
            }
            ExprKind::Select(select) => return self.select(select, scope, &expr.at),
            ExprKind::Lambda(lambda) => {
                self.closures.push((lambda, scope));
                HeadKind::Function(Function::Closure(self.closures.len() - 1))
            }
            ExprKind::Apply(parts) => return self.apply_expr(parts, scope, &expr.at),
            ExprKind::If(_) | ExprKind::With(_) | ExprKind::Assert(_) => return self.guarded(expr, scope),
            ExprKind::Has(parts) => HeadKind::Bool(self.has(&parts.0, &parts.1, scope)?),
            ExprKind::Negate(operand) => self.negate(operand, scope)?,
            ExprKind::Not(operand) => HeadKind::Bool(!self.condition(operand, scope, "the operand of `!`")?),
            ExprKind::Binary(operator, operands) => self.binary(*operator, operands, scope, &expr.at)?,
        };
        Ok(Head { at: expr.at.clone(), kind })
    }

    /// Adds the scope of a `rec` set or a `let`, whose names can refer to each other.
    fn scope(&mut self, bindings: &'a Bindings, outer: Option<ScopeId>) -> ScopeId {
        let id = self.scopes.len();
        self.scopes.push(Scope { names: Rc::default(), with: None, outer });
        self.scopes[id].names = Rc::new(self.slots(bindings, Some(id), outer));
        id
    }

    /// Adds the scope of a `with`.
    pub(super) fn with_scope(&mut self, set: &'a Expr, outer: Option<ScopeId>) -> ScopeId {
        let with = Some(self.delay(set, outer));
        self.scopes.push(Scope { names: Rc::default(), with, outer });
        self.scopes.len() - 1
    }

    fn slots(
        &mut self,
        bindings: &'a Bindings,
        inner: Option<ScopeId>,
        outer: Option<ScopeId>,
    ) -> BTreeMap<Rc<str>, Slot> {
        let sources: Vec<_> = bindings.sources.iter().map(|source| self.delay(source, inner)).collect();
        let slot = |(name, binding): (&Rc<str>, &'a Binding)| {
            let name_at = binding.name_at.clone();
            let thunk = match &binding.value {
                Bound::Plain(value) => self.delay(value, inner),
                Bound::Inherited => self.inherited(name, &name_at, outer),
                Bound::InheritedFrom(source) => {
                    self.push(Thunk::Attribute(sources[*source], Rc::clone(name), name_at.clone()))
                }
            };
            (Rc::clone(name), Slot { name_at, thunk })
        };
        bindings.attrs.iter().map(slot).collect()
    }

    fn set(&mut self, bindings: &'a Bindings, scope: Option<ScopeId>) -> EvalResult<HeadKind> {
        let inner = if bindings.recursive { Some(self.scope(bindings, scope)) } else { scope };
        let mut attrs = match inner {
            Some(id) if bindings.recursive => Rc::clone(&self.scopes[id].names),
            _ => Rc::new(self.slots(bindings, scope, scope)),
        };
        for (name, value) in &bindings.dynamic {
            let head = self.eval(name, inner)?;
            let text = match &head.kind {
                // Nix leaves out an attribute whose name is null.
                HeadKind::Null => continue,
                HeadKind::Str(text) => Rc::clone(text),
                other => return Err(type_mismatch(&name.at, "a name", other, "a string")),
            };
            let slot = Slot { name_at: name.at.clone(), thunk: self.delay(value, inner) };
            if Rc::make_mut(&mut attrs).insert(Rc::clone(&text), slot).is_some() {
                let message = format!("{} is defined twice in this set", quoted(&text));
                return Err(Problem::new(&name.at, message, "remove one of the two, or name them differently"));
            }
        }
        Ok(HeadKind::Attrs(attrs))
    }

    fn interpolate(&mut self, parts: &'a [Expr], scope: Option<ScopeId>, at: &ByteRange) -> EvalResult<HeadKind> {
        let mut text = String::new();
        for part in parts {
            let head = self.eval(part, scope)?;
            let more = expect_string(&head, &part.at, "an interpolated value")?;
            self.charge(more.len(), at)?;
            text.push_str(more);
        }
        Ok(HeadKind::Str(text.into()))
    }
}
