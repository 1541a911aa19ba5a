//! Evaluation, lazy as in Nix: what nobody asks for is never evaluated, and nothing is evaluated twice.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::expr::{Binding, Bindings, Bound, Expr, ExprKind, Name, Operator, Select};
use super::head::{Attempt, Head, HeadKind, Slot, ThunkId, endless, list, mismatch, missing, set, string};
use super::outside;
use crate::config::diagnostic::{Bytes, Problem, quoted};

/// How deep evaluation may go, in expressions.
pub(super) const MAX_DEPTH: usize = 200;
/// How much a file may make, in units of a byte of memory, roughly.
const MAX_COST: usize = 1 << 26;
/// What making one value costs.
pub(super) const VALUE_COST: usize = 64;

type ScopeId = usize;

enum Thunk<'a> {
    Delayed(&'a Expr, Option<ScopeId>),
    /// An attribute of what another thunk gives: `inherit (x) name`.
    Attribute(ThunkId, Rc<str>, Bytes),
    Running,
    Done(Head),
    Failed(Problem),
}

/// The names of a `rec` set or a `let`, and what is around it.
struct Scope {
    names: Rc<BTreeMap<Rc<str>, Slot>>,
    around: Option<ScopeId>,
}

/// Everything that is being evaluated.
pub(super) struct Run<'a> {
    thunks: Vec<Thunk<'a>>,
    scopes: Vec<Scope>,
    cost: usize,
    depth: usize,
}

impl<'a> Run<'a> {
    pub(super) fn new() -> Self {
        Self { thunks: Vec::new(), scopes: Vec::new(), cost: 0, depth: 0 }
    }

    fn push(&mut self, thunk: Thunk<'a>) -> ThunkId {
        self.thunks.push(thunk);
        self.thunks.len() - 1
    }

    pub(super) fn delay(&mut self, expr: &'a Expr, scope: Option<ScopeId>) -> ThunkId {
        self.push(Thunk::Delayed(expr, scope))
    }

    pub(super) fn charge(&mut self, cost: usize, at: &Bytes) -> Attempt<()> {
        self.cost = self.cost.saturating_add(cost);
        if self.exhausted() {
            return Err(Problem::new(
                at,
                "the file makes too much data",
                "repeat less, or keep data in files of its own",
            ));
        }
        Ok(())
    }

    pub(super) fn exhausted(&self) -> bool {
        self.cost > MAX_COST
    }

    pub(super) fn force(&mut self, thunk: ThunkId, at: &Bytes) -> Attempt<Head> {
        match &self.thunks[thunk] {
            Thunk::Done(head) => return Ok(head.clone()),
            Thunk::Failed(problem) => return Err(problem.clone()),
            Thunk::Running => return Err(endless(at)),
            Thunk::Delayed(..) | Thunk::Attribute(..) => {}
        }
        let result = match std::mem::replace(&mut self.thunks[thunk], Thunk::Running) {
            Thunk::Delayed(expr, scope) => self.eval(expr, scope),
            Thunk::Attribute(source, name, at) => self.attribute(source, &name, &at),
            Thunk::Done(head) => Ok(head),
            Thunk::Running | Thunk::Failed(_) => Err(endless(at)),
        };
        self.thunks[thunk] = match &result {
            Ok(head) => Thunk::Done(head.clone()),
            Err(problem) => Thunk::Failed(problem.clone()),
        };
        result
    }

    fn attribute(&mut self, source: ThunkId, name: &Rc<str>, at: &Bytes) -> Attempt<Head> {
        let head = self.deeper(at, |run| run.force(source, at))?;
        let attrs = set(&head, at, "what is inherited from")?;
        match attrs.get(name) {
            Some(slot) => self.deeper(at, |run| run.force(slot.thunk, at)),
            None => Err(missing(name, at, attrs)),
        }
    }

    /// Takes a step that can lead to any number of others.
    fn deeper<T>(&mut self, at: &Bytes, step: impl FnOnce(&mut Self) -> Attempt<T>) -> Attempt<T> {
        if self.depth >= MAX_DEPTH {
            let message = format!("evaluation goes more than {MAX_DEPTH} levels deep");
            return Err(Problem::new(at, message, "write the value with fewer names between"));
        }
        self.depth += 1;
        let result = step(self);
        self.depth -= 1;
        result
    }

    fn eval(&mut self, expr: &'a Expr, scope: Option<ScopeId>) -> Attempt<Head> {
        self.charge(VALUE_COST, &expr.at)?;
        self.deeper(&expr.at, |run| run.eval_form(expr, scope))
    }

    fn eval_form(&mut self, expr: &'a Expr, scope: Option<ScopeId>) -> Attempt<Head> {
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

    fn variable(&mut self, name: &Rc<str>, at: &Bytes, scope: Option<ScopeId>) -> Attempt<Head> {
        let mut next = scope;
        while let Some(id) = next {
            if let Some(slot) = self.scopes[id].names.get(name) {
                let thunk = slot.thunk;
                return self.force(thunk, at);
            }
            next = self.scopes[id].around;
        }
        let kind = match &**name {
            "true" => HeadKind::Bool(true),
            "false" => HeadKind::Bool(false),
            _ => HeadKind::Null,
        };
        Ok(Head { at: at.clone(), kind })
    }

    /// Makes the scope of a `rec` set or a `let`; its names see each other.
    fn scope(&mut self, bindings: &'a Bindings, around: Option<ScopeId>) -> ScopeId {
        let id = self.scopes.len();
        self.scopes.push(Scope { names: Rc::default(), around });
        self.scopes[id].names = Rc::new(self.slots(bindings, Some(id), around));
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

    /// Finds the thunk that a name stands for outside of a set.
    fn inherited(&mut self, name: &Rc<str>, at: &Bytes, scope: Option<ScopeId>) -> ThunkId {
        let around = |id: &ScopeId| self.scopes[*id].around;
        let slot = std::iter::successors(scope, around).find_map(|id| self.scopes[id].names.get(name));
        if let Some(slot) = slot {
            return slot.thunk;
        }
        let constant = self.variable(name, at, None);
        self.push(constant.map_or_else(Thunk::Failed, Thunk::Done))
    }

    fn set(&mut self, bindings: &'a Bindings, scope: Option<ScopeId>) -> Attempt<HeadKind> {
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
                other => return Err(mismatch(&name.at, "a name", other, "a string")),
            };
            let slot = Slot { name_at: name.at.clone(), thunk: self.delay(value, inner) };
            if Rc::make_mut(&mut attrs).insert(Rc::clone(&text), slot).is_some() {
                let message = format!("{} is defined twice in this set", quoted(&text));
                return Err(Problem::new(&name.at, message, "remove one of the two, or name them differently"));
            }
        }
        Ok(HeadKind::Attrs(attrs))
    }

    fn interpolate(&mut self, parts: &'a [Expr], scope: Option<ScopeId>, at: &Bytes) -> Attempt<HeadKind> {
        let mut text = String::new();
        for part in parts {
            let head = self.eval(part, scope)?;
            let more = string(&head, &part.at, "an interpolated value")?;
            self.charge(more.len(), at)?;
            text.push_str(more);
        }
        Ok(HeadKind::Str(text.into()))
    }

    fn negate(&mut self, operand: &'a Expr, scope: Option<ScopeId>) -> Attempt<HeadKind> {
        match self.eval(operand, scope)?.kind {
            // Literals have no sign, so there is always a number of the other one.
            HeadKind::Int(number) => Ok(HeadKind::Int(number.wrapping_neg())),
            other => Err(mismatch(&operand.at, "what follows a minus", &other, "an integer")),
        }
    }

    fn select(&mut self, select: &'a Select, scope: Option<ScopeId>, at: &Bytes) -> Attempt<Head> {
        let mut head = self.eval(&select.set, scope)?;
        for name in &select.path {
            let (name, name_at) = match name {
                Name::Static(name, at) => (Rc::clone(name), at),
                Name::Dynamic(name) => {
                    let head = self.eval(name, scope)?;
                    (string(&head, &name.at, "a name")?.clone(), &name.at)
                }
            };
            let found = match &head.kind {
                HeadKind::Attrs(attrs) => {
                    attrs.get(&name).map(|slot| slot.thunk).ok_or_else(|| missing(&name, name_at, attrs))
                }
                other => Err(mismatch(name_at, "what this is taken from", other, "a set")),
            };
            head = match (found, &select.default) {
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
        at: &Bytes,
    ) -> Attempt<HeadKind> {
        let left = self.eval(&operands.0, scope)?;
        let right = self.eval(&operands.1, scope)?;
        let (left_at, right_at) = (&operands.0.at, &operands.1.at);
        match operator {
            Operator::Update => {
                let (old, new) =
                    (set(&left, left_at, "an operand of `//`")?, set(&right, right_at, "an operand of `//`")?);
                self.charge((old.len() + new.len()) * VALUE_COST, at)?;
                let mut attrs = BTreeMap::clone(old);
                attrs.extend(new.iter().map(|(name, slot)| (Rc::clone(name), slot.clone())));
                Ok(HeadKind::Attrs(Rc::new(attrs)))
            }
            Operator::Concat => {
                let (first, second) = (list(&left, left_at)?, list(&right, right_at)?);
                self.charge((first.len() + second.len()) * size_of::<ThunkId>(), at)?;
                Ok(HeadKind::List(first.iter().chain(second.iter()).copied().collect()))
            }
            Operator::Add => {
                if let (HeadKind::Int(_), HeadKind::Int(_)) = (&left.kind, &right.kind) {
                    return Err(outside::arithmetic(at));
                }
                let first = string(&left, left_at, "what `+` joins")?;
                let second = string(&right, right_at, "what `+` joins")?;
                self.charge(first.len() + second.len(), at)?;
                Ok(HeadKind::Str([&**first, &**second].concat().into()))
            }
        }
    }
}
