//! Text of a job file from a JSON value.

use std::fmt::Write as _;

use serde_json::Value;

/// Renders a value as the text of a job file that evaluates to the value.
#[must_use]
pub fn from_json(value: &Value) -> String {
    let mut text = String::new();
    write(&mut text, value, 0);
    text + "\n"
}

/// Writes a value with each attribute on a line of its own, because a diagnostic shows one line.
fn write(text: &mut String, value: &Value, depth: usize) {
    let mut add = |piece: &str| text.push_str(piece);
    match value {
        Value::Null => add("null"),
        Value::Bool(value) => add(if *value { "true" } else { "false" }),
        // A list has no elements with a sign.
        Value::Number(number) if number.as_i64().is_some_and(i64::is_negative) => {
            write!(text, "({number})").unwrap_or_default();
        }
        Value::Number(number) => write!(text, "{number}").unwrap_or_default(),
        Value::String(string) => quote(text, string),
        Value::Array(items) => {
            add("[ ");
            for item in items {
                write(text, item, depth);
                text.push(' ');
            }
            text.push(']');
        }
        Value::Object(attributes) => {
            add("{\n");
            for (name, value) in attributes {
                text.push_str(&"  ".repeat(depth + 1));
                quote(text, name);
                text.push_str(" = ");
                write(text, value, depth + 1);
                text.push_str(";\n");
            }
            text.push_str(&"  ".repeat(depth));
            text.push('}');
        }
    }
}

fn quote(text: &mut String, string: &str) {
    text.push('"');
    for c in string.chars() {
        match c {
            '"' | '\\' | '$' => text.extend(['\\', c]),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            c => text.push(c),
        }
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::from_json;
    use crate::config::evaluate;

    /// Values that a job file can have: strings without NUL, integers.
    fn values() -> impl Strategy<Value = Value> {
        let text = "([^\0]|[\"\\\\$\\{'\n\r\t]){0,8}";
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (i64::MIN + 1..i64::MAX).prop_map(Value::from),
            text.prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 20, 4, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map(text, inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_rendered_value_evaluates_to_itself(value in values()) {
            let file = json!({ "value": value });
            let text = from_json(&file);
            prop_assert_eq!(evaluate("jobs.json", &text).map_err(|error| error.to_string()), Ok(file), "{}", text);
        }
    }
}
