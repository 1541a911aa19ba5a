//! Evaluation to the ground.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::expr::Expr;
use super::head::{HeadKind, ThunkId, endless};
use super::run::{MAX_DEPTH, Run, VALUE_COST};
use super::value::{Attr, Kind, Value};
use crate::config::diagnostic::{MAX_DIAGNOSTICS, Problem};

/// Evaluates an expression and everything in it.
pub(super) fn evaluate(expr: &Expr) -> Result<Value, Vec<Problem>> {
    let mut run = Run::new();
    let root = run.delay(expr, None);
    let mut complete = Complete { run, open: Vec::new(), problems: Vec::new() };
    match complete.value(root) {
        Ok(Some(value)) if complete.problems.is_empty() => Ok(value),
        Ok(_) => Err(complete.problems),
        Err(Stop(problem)) => {
            complete.problems.push(problem);
            Err(complete.problems)
        }
    }
}

/// Evaluation that has to end at once, whatever else is wrong.
struct Stop(Problem);

/// Evaluates values to the ground, and goes on after an error to find the next one.
struct Complete<'a> {
    run: Run<'a>,
    /// What is being completed, from the outside inwards.
    open: Vec<ThunkId>,
    problems: Vec<Problem>,
}

impl Complete<'_> {
    fn value(&mut self, thunk: ThunkId) -> Result<Option<Value>, Stop> {
        let place = 0..0;
        let head = match self.run.force(thunk, &place) {
            Ok(head) => head,
            Err(problem) if self.run.exhausted() => return Err(Stop(problem)),
            Err(problem) => return self.record(problem),
        };
        if self.open.contains(&thunk) {
            return self.record(endless(&head.at));
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(Stop(Problem::new(&head.at, "the value is nested too deeply", "nest it less")));
        }
        let length = if let HeadKind::Str(text) = &head.kind { text.len() } else { 0 };
        self.run.charge(VALUE_COST + length, &head.at).map_err(Stop)?;
        self.open.push(thunk);
        let kind = self.kind(head.kind);
        self.open.pop();
        Ok(Some(Value { at: head.at, kind: kind? }))
    }

    fn kind(&mut self, head: HeadKind) -> Result<Kind, Stop> {
        Ok(match head {
            HeadKind::Null => Kind::Null,
            HeadKind::Bool(value) => Kind::Bool(value),
            HeadKind::Int(value) => Kind::Int(value),
            HeadKind::Str(text) => Kind::Str(text),
            HeadKind::List(items) => {
                let mut values = Vec::with_capacity(items.len());
                for item in items.iter() {
                    values.extend(self.value(*item)?);
                }
                Kind::List(values)
            }
            HeadKind::Attrs(attrs) => {
                let mut values = BTreeMap::new();
                for (name, slot) in attrs.iter() {
                    if let Some(value) = self.value(slot.thunk)? {
                        values.insert(Rc::clone(name), Attr { name_at: slot.name_at.clone(), value });
                    }
                }
                Kind::Attrs(values)
            }
        })
    }

    fn record(&mut self, problem: Problem) -> Result<Option<Value>, Stop> {
        if self.problems.len() > MAX_DIAGNOSTICS {
            return Err(Stop(problem));
        }
        self.problems.push(problem);
        Ok(None)
    }
}
