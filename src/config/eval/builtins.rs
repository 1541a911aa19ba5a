//! The functions of Nix that need no store, with its laziness (`src/libexpr/primops.cc`).

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::rc::Rc;

use super::evaluator::{Evaluator, VALUE_COST};
use super::head::{
    EvalResult, Head, HeadKind, Slot, ThunkId, expect_bool, expect_int, expect_list, expect_set, expect_string,
    missing_attribute,
};
use super::thunk::Thunk;
use crate::config::problem::{ByteRange, Problem};

/// Message about the type of an argument.
const ARGUMENT: &str = "an argument of this function";

impl Evaluator<'_> {
    /// Calls a function of Nix with all its arguments.
    pub(super) fn builtin(&mut self, name: &str, arguments: &[ThunkId], at: &ByteRange) -> EvalResult<Head> {
        let last = arguments[arguments.len() - 1];
        let kind = match name {
            "attrNames" | "attrValues" | "getAttr" | "hasAttr" | "listToAttrs" | "mapAttrs" | "removeAttrs" => {
                return self.builtin_of_sets(name, arguments, at);
            }
            "isAttrs" => HeadKind::Bool(matches!(self.force(last, at)?.kind, HeadKind::Attrs(_))),
            "isBool" => HeadKind::Bool(matches!(self.force(last, at)?.kind, HeadKind::Bool(_))),
            "isInt" => HeadKind::Bool(matches!(self.force(last, at)?.kind, HeadKind::Int(_))),
            "isList" => HeadKind::Bool(matches!(self.force(last, at)?.kind, HeadKind::List(_))),
            "isString" => HeadKind::Bool(matches!(self.force(last, at)?.kind, HeadKind::Str(_))),
            "toString" => HeadKind::Str(self.text_of(last, at)?.into()),
            "genList" => self.generate(arguments[0], last, at)?,
            "concatStringsSep" => self.join_texts(arguments[0], last, at)?,
            "elemAt" => {
                let items = self.items(arguments[0], at)?;
                let index = expect_int(&self.force(last, at)?, at, ARGUMENT)?;
                return self.element(&items, usize::try_from(index).unwrap_or(usize::MAX), at);
            }
            _ => return self.builtin_of_lists(name, arguments, at),
        };
        Ok(Head { at: at.clone(), kind })
    }

    fn builtin_of_lists(&mut self, name: &str, arguments: &[ThunkId], at: &ByteRange) -> EvalResult<Head> {
        let (first, items) = (arguments[0], self.items(arguments[arguments.len() - 1], at)?);
        self.charge(items.len() * VALUE_COST, at)?;
        let kind = match name {
            "length" => HeadKind::Int(i64::try_from(items.len()).unwrap_or(i64::MAX)),
            "head" => return self.element(&items, 0, at),
            "tail" => match items.split_first() {
                Some((_, rest)) => HeadKind::List(rest.into()),
                None => return Err(Problem::new(at, "an empty list has no tail", "add an element to the list")),
            },
            "map" => HeadKind::List(items.iter().map(|item| self.delay_call(first, *item, at)).collect()),
            "filter" => {
                let mut kept = Vec::new();
                for item in items.iter() {
                    if self.holds(first, *item, at)? {
                        kept.push(*item);
                    }
                }
                HeadKind::List(kept.into())
            }
            "all" | "any" => HeadKind::Bool(self.quantify(name == "any", first, &items, at)?),
            "elem" => {
                let mut is_member = false;
                for item in items.iter() {
                    let (sought, item) = (self.force(first, at)?, self.force(*item, at)?);
                    if self.is_equal(&sought, &item, at)? {
                        is_member = true;
                        break;
                    }
                }
                HeadKind::Bool(is_member)
            }
            "concatLists" | "concatMap" => {
                let mut all = Vec::new();
                for item in items.iter() {
                    let list = if name == "concatMap" { self.delay_call(first, *item, at) } else { *item };
                    let list = self.items(list, at)?;
                    self.charge(list.len() * VALUE_COST, at)?;
                    all.extend(list.iter().copied());
                }
                HeadKind::List(all.into())
            }
            _ => {
                let mut value = arguments[1];
                self.force(value, at)?;
                for item in items.iter() {
                    let partial = self.delay_call(first, value, at);
                    value = self.delay_call(partial, *item, at);
                    self.force(value, at)?;
                }
                return self.force(value, at);
            }
        };
        Ok(Head { at: at.clone(), kind })
    }

    /// Returns whether a condition holds for any element, or for all.
    fn quantify(&mut self, any: bool, condition: ThunkId, items: &[ThunkId], at: &ByteRange) -> EvalResult<bool> {
        for item in items {
            if self.holds(condition, *item, at)? == any {
                return Ok(any);
            }
        }
        Ok(!any)
    }

    fn builtin_of_sets(&mut self, name: &str, arguments: &[ThunkId], at: &ByteRange) -> EvalResult<Head> {
        let (first, last) = (arguments[0], arguments[arguments.len() - 1]);
        if name == "listToAttrs" {
            return self.set_of_pairs(last, at);
        }
        let set = if name == "removeAttrs" { first } else { last };
        let head = self.force(set, at)?;
        let attrs = expect_set(&head, at, ARGUMENT)?;
        self.charge(attrs.len() * VALUE_COST, at)?;
        let kind = match name {
            "attrNames" => HeadKind::List(attrs.keys().map(|name| self.push_text(name, at)).collect()),
            "attrValues" => HeadKind::List(attrs.values().map(|slot| slot.thunk).collect()),
            "hasAttr" => HeadKind::Bool(attrs.contains_key(&self.text(first, at)?)),
            "getAttr" => {
                let name = self.text(first, at)?;
                let slot = attrs.get(&name).ok_or_else(|| missing_attribute(&name, at, attrs))?;
                return self.force(slot.thunk, at);
            }
            "mapAttrs" => {
                let mut mapped = BTreeMap::new();
                for (name, slot) in attrs.iter() {
                    let text = self.push_text(name, at);
                    let partial = self.delay_call(first, text, at);
                    let thunk = self.delay_call(partial, slot.thunk, at);
                    mapped.insert(Rc::clone(name), Slot { name_at: slot.name_at.clone(), thunk });
                }
                HeadKind::Attrs(Rc::new(mapped))
            }
            _ => {
                let mut kept = BTreeMap::clone(attrs);
                for item in self.items(last, at)?.iter() {
                    kept.remove(&self.text(*item, at)?);
                }
                HeadKind::Attrs(Rc::new(kept))
            }
        };
        Ok(Head { at: at.clone(), kind })
    }

    /// Returns the set of a list of sets with `name` and `value`; the first one of a name counts.
    fn set_of_pairs(&mut self, pairs: ThunkId, at: &ByteRange) -> EvalResult<Head> {
        let mut attrs: BTreeMap<Rc<str>, Slot> = BTreeMap::new();
        for pair in self.items(pairs, at)?.iter() {
            let head = self.force(*pair, at)?;
            let pair = expect_set(&head, at, "an element of this list")?;
            let slot = |name| pair.get(name).ok_or_else(|| missing_attribute(name, &head.at, pair));
            let name = self.text(slot("name")?.thunk, at)?;
            if let Entry::Vacant(entry) = attrs.entry(name) {
                entry.insert(slot("value")?.clone());
            }
        }
        Ok(Head { at: at.clone(), kind: HeadKind::Attrs(Rc::new(attrs)) })
    }

    fn generate(&mut self, function: ThunkId, length: ThunkId, at: &ByteRange) -> EvalResult<HeadKind> {
        let length = expect_int(&self.force(length, at)?, at, ARGUMENT)?;
        let Ok(count) = usize::try_from(length) else {
            return Err(Problem::new(at, "a list can't have a negative length", "write a length of at least 0"));
        };
        self.charge(count.saturating_mul(2 * VALUE_COST), at)?;
        let mut items = Vec::with_capacity(count);
        for index in 0..length {
            let index = self.push(Thunk::Done(Head { at: at.clone(), kind: HeadKind::Int(index) }));
            items.push(self.delay_call(function, index, at));
        }
        Ok(HeadKind::List(items.into()))
    }

    fn join_texts(&mut self, separator: ThunkId, texts: ThunkId, at: &ByteRange) -> EvalResult<HeadKind> {
        let separator = self.text(separator, at)?;
        let mut joined = String::new();
        for (index, item) in self.items(texts, at)?.iter().enumerate() {
            let text = self.text(*item, at)?;
            self.charge(separator.len() + text.len() + 1, at)?;
            if index > 0 {
                joined.push_str(&separator);
            }
            joined.push_str(&text);
        }
        Ok(HeadKind::Str(joined.into()))
    }

    /// Returns a value as text: of a list the texts of its elements, with spaces between them.
    fn text_of(&mut self, value: ThunkId, at: &ByteRange) -> EvalResult<String> {
        let head = self.force(value, at)?;
        let text = match &head.kind {
            HeadKind::Null | HeadKind::Bool(false) => String::new(),
            HeadKind::Bool(true) => "1".to_owned(),
            HeadKind::Int(number) => number.to_string(),
            HeadKind::List(items) => {
                let mut text = String::new();
                for (index, item) in items.iter().enumerate() {
                    text += &self.nested(at, |evaluator| evaluator.text_of(*item, at))?;
                    // Nix writes no space after an empty list.
                    let is_empty = matches!(&self.force(*item, at)?.kind, HeadKind::List(items) if items.is_empty());
                    if index + 1 < items.len() && !is_empty {
                        text.push(' ');
                    }
                }
                text
            }
            _ => expect_string(&head, at, ARGUMENT)?.to_string(),
        };
        self.charge(text.len(), at)?;
        Ok(text)
    }

    fn element(&mut self, items: &[ThunkId], index: usize, at: &ByteRange) -> EvalResult<Head> {
        match items.get(index) {
            Some(item) => self.force(*item, at),
            None => Err(Problem::new(at, "the list has no such element", "add an element to the list")),
        }
    }

    fn holds(&mut self, function: ThunkId, item: ThunkId, at: &ByteRange) -> EvalResult<bool> {
        let result = self.delay_call(function, item, at);
        expect_bool(&self.force(result, at)?, at, "the result of this function")
    }

    fn items(&mut self, list: ThunkId, at: &ByteRange) -> EvalResult<Rc<[ThunkId]>> {
        Ok(Rc::clone(expect_list(&self.force(list, at)?, at, ARGUMENT)?))
    }

    fn text(&mut self, text: ThunkId, at: &ByteRange) -> EvalResult<Rc<str>> {
        Ok(Rc::clone(expect_string(&self.force(text, at)?, at, ARGUMENT)?))
    }

    fn push_text(&mut self, text: &Rc<str>, at: &ByteRange) -> ThunkId {
        self.push(Thunk::Done(Head { at: at.clone(), kind: HeadKind::Str(Rc::clone(text)) }))
    }
}
