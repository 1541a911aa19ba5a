//! Lazy evaluation, as in Nix: an expression is evaluated when its value is needed, and only once.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::expr::{Binding, Bindings, Bound, Expr, ExprKind, Name, Operator, Select};
use super::head::{
    EvalResult, Head, HeadKind, Slot, ThunkId, expect_list, expect_set, expect_string, infinite_recursion,
    missing_attribute, type_mismatch,
};
use super::thunk::{Scope, ScopeId, Thunk};
use super::unsupported;
use crate::config::problem::{ByteRange, Problem, quoted};

/// Maximum number of nested expressions in evaluation.
pub(super) const MAX_DEPTH: usize = 200;
/// Maximum cost of a file's evaluation; a unit is about a byte of memory.
const MAX_COST: usize = 1 << 26;
/// Cost of a value.
pub(super) const VALUE_COST: usize = 64;

/// State of the evaluation of a file.
pub(super) struct Evaluator<'a> {
    thunks: Vec<Thunk<'a>>,
    scopes: Vec<Scope>,
    cost: usize,
    depth: usize,
}

impl<'a> Evaluator<'a> {
    pub(super) fn new() -> Self {
        Self { thunks: Vec::new(), scopes: Vec::new(), cost: 0, depth: 0 }
    }

    fn push(&mut self, thunk: Thunk<'a>) -> ThunkId {
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
            Thunk::Delayed(..) | Thunk::Attribute(..) => {}
        }
        let result = match std::mem::replace(&mut self.thunks[thunk], Thunk::Running) {
            Thunk::Delayed(expr, scope) => self.eval(expr, scope),
            Thunk::Attribute(source, name, at) => self.attribute(source, &name, &at),
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
    fn nested<T>(&mut self, at: &ByteRange, step: impl FnOnce(&mut Self) -> EvalResult<T>) -> EvalResult<T> {
        if self.depth >= MAX_DEPTH {
            let message = format!("evaluation goes more than {MAX_DEPTH} levels deep");
            return Err(Problem::new(at, message, "define the value through fewer names"));
        }
        self.depth += 1;
        let result = step(self);
        self.depth -= 1;
        result
    }

    fn eval(&mut self, expr: &'a Expr, scope: Option<ScopeId>) -> EvalResult<Head> {
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
            ExprKind::Negate(operand) => self.negate(operand, scope)?,
            ExprKind::Binary(operator, operands) => self.binary(*operator, operands, scope, &expr.at)?,
        };
        Ok(Head { at: expr.at.clone(), kind })
    }

    fn variable(&mut self, name: &Rc<str>, at: &ByteRange, scope: Option<ScopeId>) -> EvalResult<Head> {
        let mut next = scope;
        while let Some(id) = next {
            if let Some(slot) = self.scopes[id].names.get(name) {
                let thunk = slot.thunk;
                return self.force(thunk, at);
            }
            next = self.scopes[id].outer;
        }
        let kind = match &**name {
            "true" => HeadKind::Bool(true),
            "false" => HeadKind::Bool(false),
            _ => HeadKind::Null,
        };
        Ok(Head { at: at.clone(), kind })
    }

    /// Adds the scope of a `rec` set or a `let`, whose names can refer to each other.
    fn scope(&mut self, bindings: &'a Bindings, outer: Option<ScopeId>) -> ScopeId {
        let id = self.scopes.len();
        self.scopes.push(Scope { names: Rc::default(), outer });
        self.scopes[id].names = Rc::new(self.slots(bindings, Some(id), outer));
        id
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

    /// Returns the thunk of a name that a set inherits from the enclosing scopes.
    fn inherited(&mut self, name: &Rc<str>, at: &ByteRange, scope: Option<ScopeId>) -> ThunkId {
        let outer = |id: &ScopeId| self.scopes[*id].outer;
        let slot = std::iter::successors(scope, outer).find_map(|id| self.scopes[id].names.get(name));
        if let Some(slot) = slot {
            return slot.thunk;
        }
        let constant = self.variable(name, at, None);
        self.push(constant.map_or_else(Thunk::Failed, Thunk::Done))
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

    fn negate(&mut self, operand: &'a Expr, scope: Option<ScopeId>) -> EvalResult<HeadKind> {
        match self.eval(operand, scope)?.kind {
            // Literals have no sign, so the negated number always exists.
            HeadKind::Int(number) => Ok(HeadKind::Int(number.wrapping_neg())),
            other => Err(type_mismatch(&operand.at, "the operand of `-`", &other, "an integer")),
        }
    }

    fn select(&mut self, select: &'a Select, scope: Option<ScopeId>, at: &ByteRange) -> EvalResult<Head> {
        let mut head = self.eval(&select.set, scope)?;
        for name in &select.path {
            let (name, name_at) = match name {
                Name::Static(name, at) => (Rc::clone(name), at),
                Name::Dynamic(name) => {
                    let head = self.eval(name, scope)?;
                    (expect_string(&head, &name.at, "a name")?.clone(), &name.at)
                }
            };
            let thunk = match &head.kind {
                HeadKind::Attrs(attrs) => {
                    attrs.get(&name).map(|slot| slot.thunk).ok_or_else(|| missing_attribute(&name, name_at, attrs))
                }
                other => Err(type_mismatch(name_at, "the value before this name", other, "a set")),
            };
            head = match (thunk, &select.default) {
                (Ok(thunk), _) => self.force(thunk, at)?,
                (Err(_), Some(default)) => return self.eval(default, scope),
                (Err(problem), None) => return Err(problem),
            };
        }
        Ok(head)
    }

    fn binary(
        &mut self,
        operator: Operator,
        operands: &'a (Expr, Expr),
        scope: Option<ScopeId>,
        at: &ByteRange,
    ) -> EvalResult<HeadKind> {
        let left = self.eval(&operands.0, scope)?;
        let right = self.eval(&operands.1, scope)?;
        let (left_at, right_at) = (&operands.0.at, &operands.1.at);
        match operator {
            Operator::Update => {
                let (old, new) = (
                    expect_set(&left, left_at, "an operand of `//`")?,
                    expect_set(&right, right_at, "an operand of `//`")?,
                );
                self.charge((old.len() + new.len()) * VALUE_COST, at)?;
                let mut attrs = BTreeMap::clone(old);
                attrs.extend(new.iter().map(|(name, slot)| (Rc::clone(name), slot.clone())));
                Ok(HeadKind::Attrs(Rc::new(attrs)))
            }
            Operator::Concat => {
                let (first, second) = (expect_list(&left, left_at)?, expect_list(&right, right_at)?);
                self.charge((first.len() + second.len()) * size_of::<ThunkId>(), at)?;
                Ok(HeadKind::List(first.iter().chain(second.iter()).copied().collect()))
            }
            Operator::Add => {
                if let (HeadKind::Int(_), HeadKind::Int(_)) = (&left.kind, &right.kind) {
                    return Err(unsupported::arithmetic(at));
                }
                let first = expect_string(&left, left_at, "an operand of `+`")?;
                let second = expect_string(&right, right_at, "an operand of `+`")?;
                self.charge(first.len() + second.len(), at)?;
                Ok(HeadKind::Str([&**first, &**second].concat().into()))
            }
        }
    }
}
