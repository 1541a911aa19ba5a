//! A value to a [`Config`]: types, ranges, names and what refers to what. Goes on after an error, to tell them all.

mod guest;
mod job;
mod keys;
mod reader;
mod references;
mod timeout;
mod units;
mod userland;

use std::collections::BTreeMap;

use super::diagnostic::Problem;
use super::eval::{Attrs, Value};
use super::{Config, Target};
use crate::id::JobId;
use job::Defaults;
use reader::{Fields, Reader};
pub use units::{mebibytes, seconds};

/// Reads a job file's value.
pub(super) fn read(value: &Value) -> Result<Config, Vec<Problem>> {
    let mut reader = Reader::default();
    let config = reader.set("", value).map(|file| {
        let file = reader.fields("", file, keys::FILE);
        read_file(&mut reader, &file)
    });
    match config {
        Some(config) if reader.problems.is_empty() => Ok(config),
        _ => Err(reader.problems),
    }
}

fn read_file(reader: &mut Reader, file: &Fields) -> Config {
    let none = Attrs::new();
    let jobs = members(reader, file, "jobs").unwrap_or(&none);
    let guests = members(reader, file, "guests").unwrap_or(&none);
    let targets = members(reader, file, "targets").unwrap_or(&none);

    let mut defaults = Defaults::default();
    if let Some(set) = file.get("defaults").and_then(|field| reader.set_field(&field)) {
        let fields = reader.fields("defaults", set, keys::DEFAULTS);
        defaults = job::read_defaults(reader, &fields, jobs.len());
    }
    let config = Config {
        guests: guest::read_all(reader, guests),
        jobs: job::read_all(reader, jobs, &defaults),
        targets: read_targets(reader, targets),
    };
    references::check(reader, jobs, guests, targets);
    config
}

fn members<'v>(reader: &mut Reader, file: &Fields<'v>, key: &str) -> Option<&'v Attrs> {
    let attrs = file.get(key).and_then(|field| reader.set_field(&field))?;
    for (name, attr) in attrs {
        reader.check_name(key, name, &attr.name_at);
    }
    Some(attrs)
}

fn read_targets(reader: &mut Reader, attrs: &Attrs) -> BTreeMap<String, Target> {
    let mut targets = BTreeMap::new();
    for (name, attr) in attrs {
        let place = reader::place("targets", name);
        let Some(set) = reader.set(&place, &attr.value) else { continue };
        let fields = reader.fields(&place, set, keys::TARGET);
        let field = fields.get("jobs");
        let jobs = field.as_ref().and_then(|field| reader.strings(field));
        if fields.lacks("jobs") || jobs.as_ref().is_some_and(Vec::is_empty) {
            reader.refuse(&attr.name_at, format!("`{place}` has no jobs"), "write `jobs = [ \"test\" ];`");
        }
        let jobs = references::job_ids(reader, &jobs.unwrap_or_default(), None);
        let description = fields.get("description").and_then(|field| reader.line(&field));
        targets.insert(name.to_string(), Target { description, jobs });
    }
    targets
}

/// Returns the names of a list in its order, each once.
fn distinct<'v>(names: impl IntoIterator<Item = &'v str>) -> Vec<JobId> {
    let mut seen = std::collections::BTreeSet::new();
    names.into_iter().filter(|name| seen.insert(*name)).map(JobId::new).collect()
}
