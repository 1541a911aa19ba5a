//! Values with the place that they come from.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::config::diagnostic::Bytes;

/// A value, evaluated completely.
#[derive(Clone, Debug)]
pub(in crate::config) struct Value {
    /// The expression that made it.
    pub(in crate::config) at: Bytes,
    pub(in crate::config) kind: Kind,
}

/// What a value is.
#[derive(Clone, Debug)]
pub(in crate::config) enum Kind {
    Null,
    Bool(bool),
    Int(i64),
    Str(Rc<str>),
    List(Vec<Value>),
    Attrs(Attrs),
}

/// Attributes by name.
pub(in crate::config) type Attrs = BTreeMap<Rc<str>, Attr>;

/// One attribute of a set.
#[derive(Clone, Debug)]
pub(in crate::config) struct Attr {
    /// Where its name is written.
    pub(in crate::config) name_at: Bytes,
    pub(in crate::config) value: Value,
}

impl Value {
    /// Returns the value as `nix eval --json` prints it.
    pub(in crate::config) fn to_json(&self) -> serde_json::Value {
        match &self.kind {
            Kind::Null => serde_json::Value::Null,
            Kind::Bool(value) => (*value).into(),
            Kind::Int(value) => (*value).into(),
            Kind::Str(value) => value.to_string().into(),
            Kind::List(items) => items.iter().map(Value::to_json).collect::<Vec<_>>().into(),
            Kind::Attrs(attrs) => {
                let member = |(name, attr): (&Rc<str>, &Attr)| (name.to_string(), attr.value.to_json());
                serde_json::Value::Object(attrs.iter().map(member).collect())
            }
        }
    }
}
