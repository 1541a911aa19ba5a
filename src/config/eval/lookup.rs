//! Lookup of variables and attributes.

use std::rc::Rc;

use super::builtin_names::{BUILTINS, Builtin, global};
use super::evaluator::Evaluator;
use super::expr::{Expr, Name, Select};
use super::head::{
    EvalResult, Function, Head, HeadKind, Slot, ThunkId, expect_set, expect_string, missing_attribute, type_mismatch,
};
use super::thunk::{ScopeId, Thunk};
use crate::config::problem::{ByteRange, Problem, ProblemKind, quoted};

impl<'a> Evaluator<'a> {
    /// Returns the value of a variable: of the nearest `let` or `rec`, of Nix itself, or of the nearest `with`.
    pub(super) fn variable(&mut self, name: &Rc<str>, at: &ByteRange, scope: Option<ScopeId>) -> EvalResult<Head> {
        if let Some(thunk) = self.lexical(name, scope) {
            return self.force(thunk, at);
        }
        let kind = match &**name {
            "true" => HeadKind::Bool(true),
            "false" => HeadKind::Bool(false),
            "null" => HeadKind::Null,
            "builtins" => self.builtins(),
            _ if global(name).is_some() => global(name).map_or(HeadKind::Null, builtin_head),
            _ => return self.variable_of_with(name, at, scope),
        };
        Ok(Head { at: at.clone(), kind })
    }

    fn variable_of_with(&mut self, name: &Rc<str>, at: &ByteRange, scope: Option<ScopeId>) -> EvalResult<Head> {
        let mut next = scope;
        while let Some(id) = next {
            if let Some(with) = self.scopes[id].with {
                let head = self.nested(at, |evaluator| evaluator.force(with, at))?;
                let set = expect_set(&head, &head.at, "the value of `with`")?;
                if let Some(slot) = set.get(name) {
                    return self.force(slot.thunk, at);
                }
            }
            next = self.scopes[id].outer;
        }
        let hint = "define it with `let … in`, or in the set of `with`";
        Err(Problem::new(at, format!("undefined variable {}", quoted(name)), hint).of_kind(ProblemKind::Undefined))
    }

    /// Returns the thunk of a name in the enclosing `let` and `rec`.
    fn lexical(&self, name: &Rc<str>, scope: Option<ScopeId>) -> Option<ThunkId> {
        let outer = |id: &ScopeId| self.scopes[*id].outer;
        let slot = std::iter::successors(scope, outer).find_map(|id| self.scopes[id].names.get(name));
        slot.map(|slot| slot.thunk)
    }

    /// Returns the thunk of a name that a set inherits from the enclosing scopes.
    pub(super) fn inherited(&mut self, name: &Rc<str>, at: &ByteRange, scope: Option<ScopeId>) -> ThunkId {
        let delayed = || Thunk::Variable(Rc::clone(name), at.clone(), scope);
        self.lexical(name, scope).unwrap_or_else(|| self.push(delayed()))
    }

    /// Returns the set `builtins`, as far as pikaci has its functions.
    fn builtins(&mut self) -> HeadKind {
        let slot = |function: Builtin| {
            let thunk = self.push(Thunk::Done(Head { at: 0..0, kind: builtin_head(function) }));
            (Rc::from(function.name), Slot { name_at: 0..0, thunk })
        };
        HeadKind::Attrs(Rc::new(BUILTINS.iter().map(slot).collect()))
    }

    pub(super) fn select(&mut self, select: &'a Select, scope: Option<ScopeId>, at: &ByteRange) -> EvalResult<Head> {
        let mut head = self.eval(&select.set, scope)?;
        for name in &select.path {
            let (name, name_at) = self.name(name, scope)?;
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

    /// Returns whether a set has the attribute at the end of a path.
    pub(super) fn has(&mut self, set: &'a Expr, path: &'a [Name], scope: Option<ScopeId>) -> EvalResult<bool> {
        let mut thunk = self.delay(set, scope);
        for name in path {
            let head = self.force(thunk, &set.at)?;
            let (name, _) = self.name(name, scope)?;
            match &head.kind {
                HeadKind::Attrs(attrs) => match attrs.get(&name) {
                    Some(slot) => thunk = slot.thunk,
                    None => return Ok(false),
                },
                _ => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Returns a name of an attribute path, and its place.
    fn name(&mut self, name: &'a Name, scope: Option<ScopeId>) -> EvalResult<(Rc<str>, &'a ByteRange)> {
        match name {
            Name::Static(name, at) => Ok((Rc::clone(name), at)),
            Name::Dynamic(name) => {
                let head = self.eval(name, scope)?;
                Ok((expect_string(&head, &name.at, "a name")?.clone(), &name.at))
            }
        }
    }
}

fn builtin_head(function: Builtin) -> HeadKind {
    HeadKind::Function(Function::Builtin(function, Rc::default()))
}
