//! Collection of bindings by the rules of Nix: attribute paths become nested sets, literal sets of the same name are
//! merged, and any other second binding of a name is an error (`ParserState::addAttr` in
//! `src/libexpr/parser-state.hh`).

use std::collections::btree_map::Entry;
use std::rc::Rc;

use super::expr::{Binding, Bindings, Bound, Expr, ExprKind, Name};
use crate::config::problem::{ByteRange, Problem, line_of, quoted};

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
            match literal_set(binding) {
                Some(nested) => bind_rest(text, nested, second, rest, value),
                None => Err(defined_twice(text, &name, &at, &binding.name_at)),
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

/// Binds a name, and merges its set into a set that the name is already bound to.
pub(super) fn add(text: &str, bindings: &mut Bindings, name: Rc<str>, mut new: Binding) -> Result<(), Problem> {
    match bindings.attrs.entry(name) {
        Entry::Vacant(vacant) => {
            vacant.insert(new);
            Ok(())
        }
        Entry::Occupied(mut occupied) => {
            let first_at = occupied.get().name_at.clone();
            match (literal_set(occupied.get_mut()), literal_set(&mut new)) {
                (Some(first), Some(second)) => merge(text, first, std::mem::take(second)),
                _ => Err(defined_twice(text, occupied.key(), &new.name_at, &first_at)),
            }
        }
    }
}

/// Merges the second set into the first. As in Nix, `rec` of the second set has no effect.
fn merge(text: &str, first: &mut Bindings, second: Bindings) -> Result<(), Problem> {
    let offset = first.sources.len();
    for (name, mut binding) in second.attrs {
        if let Bound::InheritedFrom(source) = &mut binding.value {
            *source += offset;
        }
        add(text, first, name, binding)?;
    }
    first.dynamic.extend(second.dynamic);
    first.sources.extend(second.sources);
    Ok(())
}

/// Returns the bindings of a name that is bound to a literal set.
fn literal_set(binding: &mut Binding) -> Option<&mut Bindings> {
    match &mut binding.value {
        Bound::Plain(Expr { kind: ExprKind::Attrs(bindings), .. }) => Some(bindings),
        _ => None,
    }
}

fn defined_twice(text: &str, name: &str, at: &ByteRange, first_at: &ByteRange) -> Problem {
    let message = format!("{} is already defined on line {}", quoted(name), line_of(text, first_at.start));
    Problem::new(at, message, "remove one of the two, or name them differently")
}
