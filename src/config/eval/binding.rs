//! Bindings as Nix collects them: attribute paths become nested sets, literal sets of one name are merged, and anything
//! else that is bound twice is an error (`ParserState::addAttr` in `src/libexpr/parser-state.hh`).

use std::collections::btree_map::Entry;
use std::rc::Rc;

use super::expr::{Binding, Bindings, Bound, Expr, ExprKind, Name};
use crate::config::diagnostic::{Bytes, Problem, line_of, quoted};

/// Binds an attribute path to a value.
pub(super) fn bind(text: &str, bindings: &mut Bindings, path: Vec<Name>, value: Expr) -> Result<(), Problem> {
    let mut path = path.into_iter();
    let Some(first) = path.next() else { return Ok(()) };
    bind_rest(text, bindings, first, path, value)
}

fn bind_rest(
    text: &str,
    bindings: &mut Bindings,
    first: Name,
    mut rest: std::vec::IntoIter<Name>,
    value: Expr,
) -> Result<(), Problem> {
    let Some(second) = rest.next() else {
        return match first {
            Name::Static(name, at) => add(text, bindings, name, Binding { name_at: at, value: Bound::Plain(value) }),
            Name::Dynamic(name) => {
                bindings.dynamic.push((name, value));
                Ok(())
            }
        };
    };
    match first {
        Name::Static(name, at) => {
            let binding = bindings.attrs.entry(name.clone()).or_insert_with(|| {
                let kind = ExprKind::Attrs(Bindings::default());
                Binding { name_at: at.clone(), value: Bound::Plain(Expr { at: value.at.clone(), kind }) }
            });
            match set_of(binding) {
                Some(nested) => bind_rest(text, nested, second, rest, value),
                None => Err(twice(text, &name, &at, &binding.name_at)),
            }
        }
        Name::Dynamic(name) => {
            let mut nested = Bindings::default();
            let at = value.at.clone();
            bind_rest(text, &mut nested, second, rest, value)?;
            bindings.dynamic.push((name, Expr { at, kind: ExprKind::Attrs(nested) }));
            Ok(())
        }
    }
}

/// Binds a name, merging it into a set that it is bound to already.
pub(super) fn add(text: &str, bindings: &mut Bindings, name: Rc<str>, mut new: Binding) -> Result<(), Problem> {
    match bindings.attrs.entry(name) {
        Entry::Vacant(free) => {
            free.insert(new);
            Ok(())
        }
        Entry::Occupied(mut taken) => {
            let old_at = taken.get().name_at.clone();
            match (set_of(taken.get_mut()), set_of(&mut new)) {
                (Some(old), Some(more)) => merge(text, old, std::mem::take(more)),
                _ => Err(twice(text, taken.key(), &new.name_at, &old_at)),
            }
        }
    }
}

/// A `rec` of the set that comes second has no effect, in Nix too.
fn merge(text: &str, old: &mut Bindings, more: Bindings) -> Result<(), Problem> {
    let sources = old.sources.len();
    for (name, mut binding) in more.attrs {
        if let Bound::InheritedFrom(source) = &mut binding.value {
            *source += sources;
        }
        add(text, old, name, binding)?;
    }
    old.dynamic.extend(more.dynamic);
    old.sources.extend(more.sources);
    Ok(())
}

fn set_of(binding: &mut Binding) -> Option<&mut Bindings> {
    match &mut binding.value {
        Bound::Plain(Expr { kind: ExprKind::Attrs(bindings), .. }) => Some(bindings),
        _ => None,
    }
}

fn twice(text: &str, name: &str, at: &Bytes, before: &Bytes) -> Problem {
    let message = format!("{} is defined already, on line {}", quoted(name), line_of(text, before.start));
    Problem::new(at, message, "remove one of the two, or name them differently")
}
