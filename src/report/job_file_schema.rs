//! JSON Schema of the value of a job file, made from the table of its keys.

use schemars::Schema;
use serde_json::{Map, Value, json};

use crate::config::{Key, REQUIRED, Section, Shape, reference};

/// Returns the schema of a job file, as `nix eval --json` prints its value.
pub(super) fn job_file_schema() -> Schema {
    let definitions: Map<String, Value> =
        reference().iter().map(|section| (section.name.to_owned(), of_section(section))).collect();
    let mut schema = Map::new();
    schema.insert("$schema".to_owned(), "https://json-schema.org/draft/2020-12/schema".into());
    schema.insert("title".to_owned(), "pikaci.nix".into());
    schema.insert("$ref".to_owned(), "#/$defs/file".into());
    schema.insert("$defs".to_owned(), definitions.into());
    schema.into()
}

fn of_section(section: &Section) -> Value {
    let properties: Map<String, Value> = section.keys.iter().map(|key| (key.name.to_owned(), of_key(key))).collect();
    let required: Vec<&str> = section.keys.iter().filter(|key| key.default == REQUIRED).map(|key| key.name).collect();
    json!({
        "type": "object",
        "description": section.doc,
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn of_key(key: &Key) -> Value {
    let description = format!("{} Default: {}. Example: `{}`", key.doc, key.default, key.example);
    if key.default == REQUIRED {
        let mut schema = of_shape(&key.shape);
        schema["description"] = description.into();
        return schema;
    }
    json!({ "description": description, "anyOf": [of_shape(&key.shape), { "type": "null" }] })
}

fn of_shape(shape: &Shape) -> Value {
    match shape {
        Shape::Text => json!({ "type": "string" }),
        Shape::Boolean => json!({ "type": "boolean" }),
        Shape::Integer(min, max) => json!({ "type": "integer", "minimum": min, "maximum": max }),
        Shape::Choice(values) => json!({ "enum": values }),
        Shape::List(item) => json!({ "type": "array", "items": of_shape(item) }),
        Shape::Map(value) => json!({ "type": "object", "additionalProperties": of_shape(value) }),
        Shape::Set(section) => json!({ "$ref": format!("#/$defs/{section}") }),
        Shape::AnyOf(shapes) => json!({ "anyOf": shapes.iter().map(of_shape).collect::<Vec<_>>() }),
    }
}
