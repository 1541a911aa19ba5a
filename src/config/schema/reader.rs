//! Values as the types that a key expects.

use std::rc::Rc;

use super::keys::Key;
use crate::config::diagnostic::{Bytes, MAX_DIAGNOSTICS, Problem, nearest, quoted};
use crate::config::eval::{Attr, Attrs, Kind, Value};

/// What is read, and what is wrong with it so far.
#[derive(Default)]
pub(super) struct Reader {
    pub(super) problems: Vec<Problem>,
    /// Every job that is named.
    pub(super) job_references: Vec<JobReference>,
    /// Every guest that is named.
    pub(super) guest_references: Vec<(Rc<str>, Bytes)>,
}

/// The name of a job in another job, whose name is given, or in a target.
pub(super) struct JobReference {
    pub(super) by: Option<Rc<str>>,
    pub(super) name: Rc<str>,
    pub(super) at: Bytes,
}

/// A set whose keys are known.
pub(super) struct Fields<'v> {
    place: String,
    attrs: &'v Attrs,
    keys: &'static [Key],
}

/// A key that is there.
pub(super) struct Field<'v> {
    /// Its path in the file.
    pub(super) place: String,
    pub(super) value: &'v Value,
    key: &'static Key,
}

impl<'v> Fields<'v> {
    /// Returns a key's value; null is the same as not there.
    pub(super) fn get(&self, name: &str) -> Option<Field<'v>> {
        let key = self.keys.iter().find(|key| key.name == name)?;
        let attr: &Attr = self.attrs.get(name)?;
        let field = Field { place: place(&self.place, name), value: &attr.value, key };
        (!matches!(attr.value.kind, Kind::Null)).then_some(field)
    }
}

impl Fields<'_> {
    /// Returns whether a key is missing, and isn't there under a misspelt name.
    pub(super) fn lacks(&self, name: &str) -> bool {
        let unknown = |name: &str| self.keys.iter().all(|key| key.name != name);
        self.get(name).is_none() && !self.attrs.keys().any(|key| unknown(key) && nearest(key, [name]).is_some())
    }
}

impl Field<'_> {
    /// Returns what to write, as a hint.
    pub(super) fn hint(&self) -> String {
        format!("write `{}`", self.key.example)
    }
}

impl Reader {
    pub(super) fn refuse(&mut self, at: &Bytes, message: impl Into<String>, hint: impl Into<String>) {
        // One more than are shown, so that it shows that there are more.
        if self.problems.len() <= MAX_DIAGNOSTICS {
            self.problems.push(Problem::new(at, message, hint));
        }
    }

    /// Finds the known name that was meant; not for ever in a file that is full of mistakes.
    pub(super) fn did_you_mean<'c>(
        &self,
        name: &str,
        known: impl IntoIterator<Item = &'c str>,
        otherwise: &str,
    ) -> String {
        let candidates = Some(known).filter(|_| self.problems.len() <= MAX_DIAGNOSTICS);
        match candidates.and_then(|known| nearest(name, known)) {
            Some(meant) => format!("did you mean {}?", quoted(meant)),
            None => otherwise.to_owned(),
        }
    }

    /// Refuses the keys of a set that aren't known.
    pub(super) fn fields<'v>(&mut self, place: &str, attrs: &'v Attrs, keys: &'static [Key]) -> Fields<'v> {
        for (name, attr) in attrs {
            if keys.iter().all(|key| key.name != &**name) {
                let names = || keys.iter().map(|key| key.name);
                let known = format!("the keys here are {}", names().collect::<Vec<_>>().join(", "));
                let hint = self.did_you_mean(name, names(), &known);
                let inside = if place.is_empty() { String::new() } else { format!(" in `{place}`") };
                self.refuse(&attr.name_at, format!("unknown key {}{inside}", quoted(name)), hint);
            }
        }
        Fields { place: place.to_owned(), attrs, keys }
    }

    pub(super) fn set<'v>(&mut self, place: &str, value: &'v Value) -> Option<&'v Attrs> {
        if let Kind::Attrs(attrs) = &value.kind {
            return Some(attrs);
        }
        let what = if place.is_empty() { "the file".to_owned() } else { format!("`{place}`") };
        let hint = if place.is_empty() { "write `{ jobs = { … }; }`" } else { "write `{ … }`" };
        self.refuse(&value.at, format!("{what} is {}, expected a set", describe(value)), hint);
        None
    }

    fn wrong_type<T>(&mut self, field: &Field, value: &Value) -> Option<T> {
        let (place, found) = (&field.place, describe(value));
        let message = if std::ptr::eq(field.value, value) {
            format!("`{place}` is {found}, expected {}", field.key.expected)
        } else {
            format!("an element of `{place}` is {found}, expected a string")
        };
        self.refuse(&value.at, message, field.hint());
        None
    }

    pub(super) fn set_field<'v>(&mut self, field: &Field<'v>) -> Option<&'v Attrs> {
        match &field.value.kind {
            Kind::Attrs(attrs) => Some(attrs),
            _ => self.wrong_type(field, field.value),
        }
    }

    pub(super) fn string<'v>(&mut self, field: &Field<'v>) -> Option<&'v Rc<str>> {
        match &field.value.kind {
            Kind::Str(text) => Some(text),
            _ => self.wrong_type(field, field.value),
        }
    }

    /// Reads a text of one line; blanks around it don't count.
    pub(super) fn line(&mut self, field: &Field) -> Option<String> {
        let text = self.string(field)?.trim();
        if text.chars().any(char::is_control) {
            let message = format!("`{}` has more than one line, or a control character", field.place);
            self.refuse(&field.value.at, message, field.hint());
        }
        Some(text.to_owned())
    }

    pub(super) fn boolean(&mut self, field: &Field) -> Option<bool> {
        match field.value.kind {
            Kind::Bool(value) => Some(value),
            _ => self.wrong_type(field, field.value),
        }
    }

    pub(super) fn integer(&mut self, field: &Field) -> Option<i64> {
        match field.value.kind {
            Kind::Int(value) => Some(value),
            _ => self.wrong_type(field, field.value),
        }
    }

    /// Reads a string by its units, or an integer as it is.
    pub(super) fn quantity(&mut self, field: &Field, parse: fn(&str) -> Option<u64>, hint: &str) -> Option<u64> {
        let (found, quantity) = match &field.value.kind {
            Kind::Int(number) => (number.to_string(), u64::try_from(*number).ok()),
            Kind::Str(text) => (text.to_string(), parse(text)),
            _ => return self.wrong_type(field, field.value),
        };
        if quantity.is_none() {
            self.refuse(&field.value.at, format!("`{}` can't be {}", field.place, quoted(&found)), hint);
        }
        quantity
    }

    pub(super) fn strings<'v>(&mut self, field: &Field<'v>) -> Option<Vec<(&'v Rc<str>, &'v Bytes)>> {
        let Kind::List(items) = &field.value.kind else { return self.wrong_type(field, field.value) };
        let mut strings = Vec::with_capacity(items.len());
        for item in items {
            match &item.kind {
                Kind::Str(text) => strings.push((text, &item.at)),
                _ => self.wrong_type(field, item)?,
            }
        }
        Some(strings)
    }

    /// Refuses names of jobs, guests and targets that files, terminals and command lines can't take.
    pub(super) fn check_name(&mut self, what: &str, name: &str, at: &Bytes) {
        let (wrong, hint) = if name.is_empty() {
            ("is empty", "write a name")
        } else if name.len() > 100 {
            ("is longer than 100 bytes", "write a shorter name")
        } else if name.chars().any(char::is_control) {
            ("has a control character", "write a name of visible characters")
        } else if name.starts_with('-') {
            ("starts with `-`, like an option", "start it with a letter")
        } else if name.starts_with('/') || name.ends_with('/') {
            ("starts or ends with `/`", "put `/` only between words")
        } else {
            return;
        };
        self.refuse(at, format!("the name {} in `{what}` {wrong}", quoted(name)), hint);
    }
}

/// Returns the path of a name in a set, as Nix spells it.
pub(super) fn place(parent: &str, name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-'".contains(c));
    let shown = quoted(name);
    let shown = shown.trim_matches('`');
    let name = if plain { shown.to_owned() } else { format!("\"{shown}\"") };
    if parent.is_empty() { name } else { format!("{parent}.{name}") }
}

pub(super) fn describe(value: &Value) -> &'static str {
    match value.kind {
        Kind::Null => "null",
        Kind::Bool(_) => "a boolean",
        Kind::Int(_) => "an integer",
        Kind::Str(_) => "a string",
        Kind::List(_) => "a list",
        Kind::Attrs(_) => "a set",
    }
}
