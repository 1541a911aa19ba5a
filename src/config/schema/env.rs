//! Environment variables.

use std::collections::BTreeMap;

use super::inner_keys;
use super::reader::{Field, Fields, Reader, attr_path, type_name};
use super::sizes::check_length;
use crate::config::eval::{Attr, Value, ValueKind};
use crate::config::problem::quoted;
use crate::config::variable::Variable;
use crate::guest::contract::RESERVED_PREFIX;
use crate::guest::is_variable_name;

/// Variables that pikaci sets in each job.
const OWN: [&str; 4] = ["PIKACI_JOB", "PIKACI_RUN_ID", "PIKACI_ATTEMPT", "PIKACI_NEEDS_STATUS"];

/// Reads the environment of a job: strings, and variables that are inherited.
pub(super) fn read(reader: &mut Reader, fields: &Fields) -> BTreeMap<String, Variable> {
    read_with(reader, fields, |reader, field, name, attr| match &attr.value.kind {
        ValueKind::Attrs(_) => read_inherited(reader, &attr_path(&field.path, name), &attr.value),
        _ => read_string(reader, field, name, attr).map(Variable::Value),
    })
}

/// Reads the environment of a service: strings.
pub(super) fn read_strings(reader: &mut Reader, fields: &Fields) -> BTreeMap<String, String> {
    read_with(reader, fields, read_string)
}

/// Refuses a name that no variable of a job can have.
pub(super) fn check_name(reader: &mut Reader, name: &str, attr: &Attr) {
    let (error, hint) = if !is_variable_name(name) {
        ("isn't the name of an environment variable", "write letters, digits and `_`, and no digit first")
    } else if name.starts_with(RESERVED_PREFIX) {
        ("is reserved for the guest", "choose a name that doesn't begin with `pikaci_`")
    } else if OWN.contains(&name) {
        ("is set by pikaci", "choose another name, or remove it")
    } else {
        return;
    };
    reader.refuse(&attr.name_at, format!("the variable {} {error}", quoted(name)), hint);
}

fn read_with<V>(
    reader: &mut Reader,
    fields: &Fields,
    read: impl Fn(&mut Reader, &Field, &str, &Attr) -> Option<V>,
) -> BTreeMap<String, V> {
    let mut env = BTreeMap::new();
    let Some(field) = fields.get("env") else { return env };
    for (name, attr) in reader.set_field(&field).into_iter().flatten() {
        check_name(reader, name, attr);
        if let Some(value) = read(reader, &field, name, attr) {
            env.insert(name.to_string(), value);
        }
    }
    env
}

fn read_string(reader: &mut Reader, field: &Field, name: &str, attr: &Attr) -> Option<String> {
    match &attr.value.kind {
        ValueKind::Str(value) => {
            check_length(reader, field, name.len() + 1 + value.len(), &attr.value.at);
            Some(value.to_string())
        }
        other => {
            let hint = match other {
                ValueKind::Int(number) => format!("put it in double quotes: `{name} = \"{number}\";`"),
                _ => format!("write `{} = \"…\";`", name.escape_debug()),
            };
            let (path, actual) = (attr_path(&field.path, name), type_name(&attr.value));
            reader.refuse(&attr.value.at, format!("`{path}` is {actual}, expected a string"), hint);
            None
        }
    }
}

/// Reads `{ "inherit" = true; default = "…"; }`. The quotes are Nix's: the word alone is a keyword.
fn read_inherited(reader: &mut Reader, path: &str, value: &Value) -> Option<Variable> {
    let attrs = reader.set(path, value)?;
    let fields = reader.fields(path, attrs, inner_keys::INHERITED);
    if fields.get("inherit").and_then(|field| reader.boolean(&field)) != Some(true) {
        reader.refuse(&value.at, format!("`{path}` has no value"), "write a string, or `{ \"inherit\" = true; }`");
    }
    let default = fields.get("default").and_then(|field| {
        let default = reader.string(&field)?;
        check_length(reader, &field, default.len(), &field.value.at);
        Some(default.to_string())
    });
    Some(Variable::Inherit { default })
}
