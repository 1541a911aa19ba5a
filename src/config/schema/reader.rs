//! Typed access to evaluated values, with a list of the problems so far.

use std::rc::Rc;

use crate::config::eval::{Attr, Attrs, Value, ValueKind};
use crate::config::key::Key;
use crate::config::nearest;
use crate::config::problem::{ByteRange, MAX_DIAGNOSTICS, Problem, quoted};
use crate::id::JobId;

/// State of the validation of a job file.
#[derive(Default)]
pub(super) struct Reader {
    pub(super) problems: Vec<Problem>,
    /// All needs of jobs; they are resolved once all jobs are read.
    pub(super) job_references: Vec<JobReference>,
    /// The jobs of all inputs; they are resolved once all jobs are read.
    pub(super) input_references: Vec<InputReference>,
    /// All references to guests: the name, and its place in the file.
    pub(super) guest_references: Vec<(Rc<str>, ByteRange)>,
    /// All references to groups: the name, and its place in the file.
    pub(super) group_references: Vec<(Rc<str>, ByteRange)>,
    /// All references to caches: the name, and its place in the file.
    pub(super) cache_references: Vec<(Rc<str>, ByteRange)>,
    /// All references to secrets: the name, and its place in the file.
    pub(super) secret_references: Vec<(Rc<str>, ByteRange)>,
    /// Number of legs of all matrices so far.
    pub(super) legs: usize,
}

/// Reference to a job in the `needs` of another job.
pub(super) struct JobReference {
    /// The job that has the reference.
    pub(super) needed_by: JobId,
    /// The reference: the name of a job, with axes or without.
    pub(super) name: Rc<str>,
    pub(super) at: ByteRange,
}

/// The `from` of an input.
pub(super) struct InputReference {
    /// The job with the input.
    pub(super) needed_by: JobId,
    /// Name of the input.
    pub(super) input: String,
    /// The jobs: the name of a job, with axes or without.
    pub(super) from: Rc<str>,
    pub(super) at: ByteRange,
}

/// A set with its valid keys.
pub(super) struct Fields<'v> {
    path: String,
    attrs: &'v Attrs,
    keys: &'static [Key],
}

/// A key of a set, with its value.
pub(super) struct Field<'v> {
    /// Attribute path of the key.
    pub(super) path: String,
    pub(super) value: &'v Value,
    key: &'static Key,
}

impl<'v> Fields<'v> {
    /// Returns a key and its value, or `None` if the key is absent or null.
    pub(super) fn get(&self, name: &str) -> Option<Field<'v>> {
        let key = self.keys.iter().find(|key| key.name == name)?;
        let attr: &Attr = self.attrs.get(name)?;
        let field = Field { path: attr_path(&self.path, name), value: &attr.value, key };
        (!matches!(attr.value.kind, ValueKind::Null)).then_some(field)
    }
}

impl Fields<'_> {
    /// Returns whether a key is missing and no other key looks like a misspelling of the key.
    pub(super) fn is_missing(&self, name: &str) -> bool {
        let unknown = |name: &str| self.keys.iter().all(|key| key.name != name);
        self.get(name).is_none() && !self.attrs.keys().any(|key| unknown(key) && nearest(key, [name]).is_some())
    }
}

impl<'v> Field<'v> {
    /// Returns a value inside of this one as a field with the same hint.
    pub(super) fn member(&self, path: String, value: &'v Value) -> Self {
        Self { path, value, key: self.key }
    }

    /// Returns a hint with a valid definition of the key.
    pub(super) fn hint(&self) -> String {
        format!("write `{}`", self.key.example)
    }
}

impl Reader {
    /// Records a problem.
    pub(super) fn refuse(&mut self, at: &ByteRange, message: impl Into<String>, hint: impl Into<String>) {
        // One problem more than are shown, so that `Diagnostics` can tell that the list is truncated.
        if self.problems.len() <= MAX_DIAGNOSTICS {
            let problem = Problem::new(at, message, hint);
            // The legs of a matrix have most problems in common.
            if !self.problems.contains(&problem) {
                self.problems.push(problem);
            }
        }
    }

    /// Returns a hint that suggests the valid name closest to `name`, or `fallback` if no name is close. Stops the
    /// search, which takes time, once enough problems are recorded.
    pub(super) fn suggest<'c>(&self, name: &str, valid: impl IntoIterator<Item = &'c str>, fallback: &str) -> String {
        let candidates = Some(valid).filter(|_| self.problems.len() <= MAX_DIAGNOSTICS);
        match candidates.and_then(|valid| nearest(name, valid)) {
            Some(suggestion) => format!("did you mean {}?", quoted(suggestion)),
            None => fallback.to_owned(),
        }
    }

    /// Returns a set with its valid keys, and refuses other keys.
    pub(super) fn fields<'v>(&mut self, path: &str, attrs: &'v Attrs, keys: &'static [Key]) -> Fields<'v> {
        for (name, attr) in attrs {
            if keys.iter().all(|key| key.name != &**name) {
                let names = || keys.iter().map(|key| key.name);
                let all = format!("the keys here are {}", names().collect::<Vec<_>>().join(", "));
                let hint = self.suggest(name, names(), &all);
                let inside = if path.is_empty() { String::new() } else { format!(" in `{path}`") };
                self.refuse(&attr.name_at, format!("unknown key {}{inside}", quoted(name)), hint);
            }
        }
        Fields { path: path.to_owned(), attrs, keys }
    }

    /// Returns the attributes of the value at a path, or of the file for an empty path.
    pub(super) fn set<'v>(&mut self, path: &str, value: &'v Value) -> Option<&'v Attrs> {
        if let ValueKind::Attrs(attrs) = &value.kind {
            return Some(attrs);
        }
        let subject = if path.is_empty() { "the file".to_owned() } else { format!("`{path}`") };
        let hint = if path.is_empty() { "write `{ jobs = { … }; }`" } else { "write `{ … }`" };
        self.refuse(&value.at, format!("{subject} is {}, expected a set", type_name(value)), hint);
        None
    }

    /// Refuses the value of a field, or an element of a list in it, because of its type.
    fn wrong_type<T>(&mut self, field: &Field, value: &Value) -> Option<T> {
        let (path, actual) = (&field.path, type_name(value));
        let message = if std::ptr::eq(field.value, value) {
            format!("`{path}` is {actual}, expected {}", field.key.expected)
        } else {
            format!("an element of `{path}` is {actual}, expected a string")
        };
        self.refuse(&value.at, message, field.hint());
        None
    }

    pub(super) fn set_field<'v>(&mut self, field: &Field<'v>) -> Option<&'v Attrs> {
        match &field.value.kind {
            ValueKind::Attrs(attrs) => Some(attrs),
            _ => self.wrong_type(field, field.value),
        }
    }

    pub(super) fn string<'v>(&mut self, field: &Field<'v>) -> Option<&'v Rc<str>> {
        match &field.value.kind {
            ValueKind::Str(text) => Some(text),
            _ => self.wrong_type(field, field.value),
        }
    }

    /// Reads a text of one line, without blanks at its ends.
    pub(super) fn line(&mut self, field: &Field) -> Option<String> {
        let text = self.string(field)?.trim();
        if text.chars().any(char::is_control) {
            let message = format!("`{}` has more than one line, or a control character", field.path);
            self.refuse(&field.value.at, message, field.hint());
        }
        Some(text.to_owned())
    }

    pub(super) fn boolean(&mut self, field: &Field) -> Option<bool> {
        match field.value.kind {
            ValueKind::Bool(value) => Some(value),
            _ => self.wrong_type(field, field.value),
        }
    }

    pub(super) fn integer(&mut self, field: &Field) -> Option<i64> {
        match field.value.kind {
            ValueKind::Int(value) => Some(value),
            _ => self.wrong_type(field, field.value),
        }
    }

    /// Reads a quantity: a string with units, or an integer.
    pub(super) fn quantity(&mut self, field: &Field, parse: fn(&str) -> Option<u64>, hint: &str) -> Option<u64> {
        let (written, quantity) = match &field.value.kind {
            ValueKind::Int(number) => (number.to_string(), u64::try_from(*number).ok()),
            ValueKind::Str(text) => (text.to_string(), parse(text)),
            _ => return self.wrong_type(field, field.value),
        };
        if quantity.is_none() {
            self.refuse(&field.value.at, format!("`{}` can't be {}", field.path, quoted(&written)), hint);
        }
        quantity
    }

    pub(super) fn strings<'v>(&mut self, field: &Field<'v>) -> Option<Vec<(&'v Rc<str>, &'v ByteRange)>> {
        let ValueKind::List(items) = &field.value.kind else { return self.wrong_type(field, field.value) };
        let mut strings = Vec::with_capacity(items.len());
        for item in items {
            match &item.kind {
                ValueKind::Str(text) => strings.push((text, &item.at)),
                _ => self.wrong_type(field, item)?,
            }
        }
        Some(strings)
    }

    /// Reads a list of sets, each with its path and its place in the file; refuses other elements.
    pub(super) fn sets<'v>(&mut self, field: &Field<'v>) -> Option<Vec<(String, &'v Attrs, &'v ByteRange)>> {
        let ValueKind::List(items) = &field.value.kind else { return self.wrong_type(field, field.value) };
        let mut sets = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let path = format!("{}[{index}]", field.path);
            if let Some(attrs) = self.set(&path, item) {
                sets.push((path, attrs, &item.at));
            }
        }
        Some(sets)
    }

    /// Refuses names of jobs, guests and targets that aren't safe in file names, terminals and command lines.
    pub(super) fn check_name(&mut self, section: &str, name: &str, at: &ByteRange) {
        let (error, hint) = if name.is_empty() {
            ("is empty", "write a name")
        } else if name.len() > 100 {
            ("is longer than 100 bytes", "write a shorter name")
        } else if name.chars().any(char::is_control) {
            ("has a control character", "write a name of visible characters")
        } else if name.starts_with('-') {
            ("starts with `-`, like an option", "start it with a letter")
        } else if name.starts_with('/') || name.ends_with('/') {
            ("starts or ends with `/`", "put `/` only between words")
        } else if name.contains(['[', ']']) {
            ("has a bracket, which only the legs of a matrix have", "write the name without brackets")
        } else {
            return;
        };
        self.refuse(at, format!("the name {} in `{section}` {error}", quoted(name)), hint);
    }
}

/// Returns the attribute path of a name in a set, as Nix spells it.
pub(super) fn attr_path(parent: &str, name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-'".contains(c));
    let escaped = quoted(name);
    let escaped = escaped.trim_matches('`');
    let name = if plain { escaped.to_owned() } else { format!("\"{escaped}\"") };
    if parent.is_empty() { name } else { format!("{parent}.{name}") }
}

/// Returns the type of a value, for messages.
pub(super) fn type_name(value: &Value) -> &'static str {
    match value.kind {
        ValueKind::Null => "null",
        ValueKind::Bool(_) => "a boolean",
        ValueKind::Int(_) => "an integer",
        ValueKind::Str(_) => "a string",
        ValueKind::List(_) => "a list",
        ValueKind::Attrs(_) => "a set",
    }
}
