//! Values with their places in the file.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::config::problem::ByteRange;

/// A value without unevaluated parts.
#[derive(Clone, Debug)]
pub(crate) struct Value {
    /// Byte range of the expression that the value comes from.
    pub(crate) at: ByteRange,
    pub(crate) kind: ValueKind,
}

/// Type and content of a value.
#[derive(Clone, Debug)]
pub(crate) enum ValueKind {
    Null,
    Bool(bool),
    Int(i64),
    Str(Rc<str>),
    List(Vec<Value>),
    Attrs(Attrs),
}

/// Attributes by name.
pub(crate) type Attrs = BTreeMap<Rc<str>, Attr>;

/// An attribute of a set.
#[derive(Clone, Debug)]
pub(crate) struct Attr {
    /// Byte range of the name.
    pub(crate) name_at: ByteRange,
    pub(crate) value: Value,
}

impl Value {
    /// Returns the value as `nix eval --json` prints it.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        match &self.kind {
            ValueKind::Null => serde_json::Value::Null,
            ValueKind::Bool(value) => (*value).into(),
            ValueKind::Int(value) => (*value).into(),
            ValueKind::Str(value) => value.to_string().into(),
            ValueKind::List(items) => items.iter().map(Value::to_json).collect::<Vec<_>>().into(),
            ValueKind::Attrs(attrs) => {
                let member = |(name, attr): (&Rc<str>, &Attr)| (name.to_string(), attr.value.to_json());
                serde_json::Value::Object(attrs.iter().map(member).collect())
            }
        }
    }
}
