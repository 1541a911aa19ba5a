//! A JSON Schema with the keywords that pikaci's own schemas use: other keywords are failures, and so are undeclared
//! fields.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// Keywords that describe a value and demand nothing.
const NOTES: [&str; 6] = ["$schema", "$defs", "title", "description", "default", "format"];

/// A schema, and the definitions that it refers to.
#[derive(Clone, Copy)]
pub struct Schema<'a> {
    root: &'a Value,
    part: &'a Value,
}

impl<'a> Schema<'a> {
    /// Creates a schema from its root.
    pub fn new(root: &'a Value) -> Self {
        Self { root, part: root }
    }

    /// Checks a value, and returns the first violation.
    pub fn check(self, value: &Value) -> Result<(), String> {
        let named = self.fields_of(value)?;
        match value.as_object().and_then(|object| object.keys().find(|key| !named.contains(*key))) {
            Some(key) => Err(format!("{key:?} is in no schema")),
            None => Ok(()),
        }
    }

    fn sub(self, part: &'a Value) -> Self {
        Self { part, ..self }
    }

    /// Returns the fields of a value that this schema names, if the value matches.
    fn fields_of(self, value: &Value) -> Result<BTreeSet<String>, String> {
        let mut named = BTreeSet::new();
        let Some(schema) = self.part.as_object() else {
            return if self.part == true { Ok(named) } else { Err("nothing may be there".to_owned()) };
        };
        for (keyword, rule) in schema {
            match keyword.as_str() {
                "$ref" => named.extend(self.referred(rule).fields_of(value)?),
                "oneOf" | "anyOf" => named.extend(self.one_of(keyword, rule, value)?),
                "properties" => {
                    for (name, part) in rule.as_object().unwrap() {
                        if let Some(inner) = value.get(name) {
                            self.sub(part).check(inner).map_err(|why| format!("{name}: {why}"))?;
                            named.insert(name.clone());
                        }
                    }
                }
                "additionalProperties" => {
                    let properties = schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
                    for (name, inner) in object(value)?.iter().filter(|(name, _)| !properties.contains_key(*name)) {
                        self.sub(rule).check(inner).map_err(|why| format!("{name}: {why}"))?;
                        named.insert(name.clone());
                    }
                }
                "items" => {
                    for (index, inner) in value.as_array().into_iter().flatten().enumerate() {
                        self.sub(rule).check(inner).map_err(|why| format!("{index}: {why}"))?;
                    }
                }
                keyword if NOTES.contains(&keyword) => {}
                keyword if holds(keyword, rule, value) => {}
                keyword => return Err(format!("{value} isn't of {keyword} {rule}")),
            }
        }
        Ok(named)
    }

    fn referred(self, to: &Value) -> Self {
        let pointer = to.as_str().and_then(|to| to.strip_prefix('#')).expect("a reference has to lead into the schema");
        self.sub(self.root.pointer(pointer).unwrap_or_else(|| panic!("{to} leads nowhere")))
    }

    fn one_of(self, keyword: &str, parts: &'a Value, value: &Value) -> Result<BTreeSet<String>, String> {
        let all = parts.as_array().unwrap().iter().map(|part| self.sub(part).fields_of(value));
        let (right, wrong): (Vec<_>, Vec<_>) = all.partition(Result::is_ok);
        if right.is_empty() || keyword == "oneOf" && right.len() > 1 {
            let why: Vec<String> = wrong.into_iter().filter_map(Result::err).collect();
            return Err(format!("{value} is {} of {keyword}: {}", right.len(), why.join("; ")));
        }
        Ok(right.into_iter().flatten().flatten().collect())
    }

    /// Asserts that every field is described.
    #[track_caller]
    pub fn assert_described(self) {
        if let Some(properties) = self.part.get("properties").and_then(Value::as_object) {
            for (name, part) in properties {
                // A tag, or the only field, of an alternative with a description of its own.
                let alone = part.get("const").is_some() || properties.len() == 1;
                let description = part.get("description").or_else(|| self.part.get("description").filter(|_| alone));
                assert!(description.is_some(), "{name} isn't described in {}", self.part);
            }
        }
        let parts: Vec<&Value> = match self.part {
            Value::Object(map) => map.values().collect(),
            Value::Array(list) => list.iter().collect(),
            _ => Vec::new(),
        };
        for part in parts {
            self.sub(part).assert_described();
        }
    }
}

fn object(value: &Value) -> Result<&Map<String, Value>, String> {
    value.as_object().ok_or_else(|| format!("{value} is no object"))
}

/// Returns true if a value meets a keyword that concerns only the value itself.
fn holds(keyword: &str, rule: &Value, value: &Value) -> bool {
    match keyword {
        "type" => match rule {
            Value::Array(kinds) => kinds.iter().any(|kind| is_a(kind, value)),
            kind => is_a(kind, value),
        },
        "const" => value == rule,
        "enum" => rule.as_array().unwrap().contains(value),
        "required" => rule.as_array().unwrap().iter().all(|name| value.get(name.as_str().unwrap()).is_some()),
        "minimum" => value.as_f64().is_none_or(|number| number >= rule.as_f64().unwrap()),
        "maximum" => value.as_f64().is_none_or(|number| number <= rule.as_f64().unwrap()),
        "pattern" => value.as_str().is_none_or(|text| match rule.as_str().unwrap() {
            "^[0-9a-f]{64}$" => pikaci::id::Digest::try_from(text.to_owned()).is_ok(),
            "^[^/]" => !text.is_empty() && !text.starts_with('/'),
            other => panic!("the pattern {other:?} isn't implemented here"),
        }),
        other => panic!("the keyword {other:?} isn't implemented here"),
    }
}

fn is_a(kind: &Value, value: &Value) -> bool {
    match kind.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("no type of value is {other:?}"),
    }
}
