//! Secrets: their sources, and the names of them in jobs.

use std::collections::{BTreeMap, BTreeSet};

use super::reader::{Field, Fields, Reader, attr_path};
use super::{env, inner_keys, userland};
use crate::config::eval::{Attr, Attrs};
use crate::config::job::Job;
use crate::config::problem::quoted;
use crate::config::secret::{Secret, SecretSource};
use crate::guest::is_variable_name;

/// Reads all secrets of the job file with this text.
pub(super) fn read_all(reader: &mut Reader, attrs: &Attrs, text: &str) -> BTreeMap<String, Secret> {
    let mut secrets = BTreeMap::new();
    for (name, attr) in attrs {
        // Jobs get a secret as the variable of its name.
        env::check_name(reader, name, attr);
        let path = attr_path("secrets", name);
        let Some(set) = reader.set(&path, &attr.value) else { continue };
        let fields = reader.fields(&path, set, inner_keys::SECRET);
        let as_file = fields.get("asFile").and_then(|field| reader.boolean(&field)).unwrap_or_default();
        let sources: Vec<SecretSource> =
            [read_env, read_file, read_command].iter().filter_map(|read| read(reader, &fields)).collect();
        let is_missing = ["env", "file", "command"].iter().all(|key| fields.is_missing(key));
        match <[SecretSource; 1]>::try_from(sources) {
            Ok([source]) => {
                let line = text.get(..attr.name_at.start).map(|before| before.matches('\n').count() + 1);
                secrets.insert(name.to_string(), Secret { source, as_file, line });
            }
            Err(sources) if !sources.is_empty() || is_missing => {
                let count = if sources.is_empty() { "no source" } else { "several sources" };
                let hint = "write one of `env = \"VARIABLE\";`, `file = \"~/path\";` and `command = [ \"program\" ];`";
                reader.refuse(&attr.name_at, format!("`{path}` has {count}"), hint);
            }
            // An invalid source is reported already.
            Err(_) => {}
        }
    }
    secrets
}

fn read_env(reader: &mut Reader, fields: &Fields) -> Option<SecretSource> {
    let field = fields.get("env")?;
    let name = reader.string(&field)?;
    check(reader, &field, is_variable_name(name), "isn't the name of an environment variable");
    Some(SecretSource::Env(name.to_string()))
}

fn read_file(reader: &mut Reader, fields: &Fields) -> Option<SecretSource> {
    let field = fields.get("file")?;
    let path = reader.string(&field)?;
    check(reader, &field, userland::is_host_path(path), "isn't a file below `/` or `~/`");
    Some(SecretSource::File(path.to_string()))
}

fn read_command(reader: &mut Reader, fields: &Fields) -> Option<SecretSource> {
    let field = fields.get("command")?;
    let argv: Vec<String> = reader.strings(&field)?.into_iter().map(|(word, _)| word.to_string()).collect();
    let is_valid = argv.first().is_some_and(|program| !program.is_empty()) && argv.iter().all(|w| !w.contains('\0'));
    check(reader, &field, is_valid, "has no program, or a NUL");
    Some(SecretSource::Command(argv))
}

fn check(reader: &mut Reader, field: &Field, is_valid: bool, error: &str) {
    if !is_valid {
        reader.refuse(&field.value.at, format!("the value of `{}` {error}", field.path), field.hint());
    }
}

/// Reads the names of the secrets of a job.
pub(super) fn read_names(reader: &mut Reader, fields: &Fields) -> Option<BTreeSet<String>> {
    let field = fields.get("secrets")?;
    let names = reader.strings(&field)?;
    for (name, at) in &names {
        reader.secret_references.push(((*name).clone(), (*at).clone()));
    }
    Some(names.into_iter().map(|(name, _)| name.to_string()).collect())
}

/// Refuses secrets that have the name of another variable of the job.
pub(super) fn check_variables(reader: &mut Reader, attr: &Attr, job: &Job) {
    for name in job.secrets.iter().filter(|name| job.env.contains_key(*name)) {
        let message = format!("{} is a secret and a variable in `env` of this job", quoted(name));
        reader.refuse(&attr.name_at, message, "remove one of them");
    }
}

/// Refuses names of undefined secrets.
pub(super) fn check_references(reader: &mut Reader, secrets: &Attrs) {
    for (name, at) in std::mem::take(&mut reader.secret_references) {
        if !secrets.contains_key(&name) {
            let fallback = format!("define it: `secrets.{name} = {{ env = \"{name}\"; }};`");
            let hint = reader.suggest(&name, secrets.keys().map(|name| &**name), &fallback);
            reader.refuse(&at, format!("there is no secret {}", quoted(&name)), hint);
        }
    }
}
