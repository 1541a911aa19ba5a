//! Validation of a whole job file.

use super::reader::{Fields, Reader};
use super::references::{JobNames, Sections};
use super::{cache, file_keys, group, guest, input, job, references, secret, snapshot, target};
use crate::config::eval::{Attrs, Value};
use crate::config::problem::Problem;
use crate::config::{Config, Input};

/// Validates the value of the job file with this text.
pub(crate) fn read(value: &Value, text: &str) -> Result<Config, Vec<Problem>> {
    let mut reader = Reader::default();
    let config = reader.set("", value).map(|file| {
        let file = reader.fields("", file, file_keys::FILE);
        read_file(&mut reader, &file, text)
    });
    match config {
        Some(config) if reader.problems.is_empty() => Ok(config),
        _ => Err(reader.problems),
    }
}

fn read_file(reader: &mut Reader, file: &Fields, text: &str) -> Config {
    let empty = Attrs::new();
    let jobs = read_section(reader, file, "jobs").unwrap_or(&empty);
    let guests = read_section(reader, file, "guests").unwrap_or(&empty);
    let groups = read_section(reader, file, "groups").unwrap_or(&empty);
    let caches = read_section(reader, file, "caches").unwrap_or(&empty);
    let secrets = read_section(reader, file, "secrets").unwrap_or(&empty);
    let targets = read_section(reader, file, "targets").unwrap_or(&empty);

    let defaults = file.get("defaults").and_then(|field| reader.set_field(&field));
    let defaults = job::read_defaults(reader, defaults, jobs.len());
    let mut read_jobs = job::read_all(reader, jobs, &defaults);
    let names = JobNames::new(&read_jobs, jobs, targets);
    let needs = names.needs(reader);
    let inputs = input::resolve_all(reader, &names);
    let targets_read = target::read_all(reader, targets, &names);
    let config_guests = guest::read_all(reader, guests);
    let group_limits = group::read_all(reader, groups);
    let snapshot = snapshot::read(reader, file);
    let caches_read = cache::read_all(reader, caches);
    let sections = Sections { jobs, guests, groups, caches, targets };
    references::check(reader, &sections);
    cache::check(reader, caches, &read_jobs, &config_guests, &caches_read);
    let secrets_read = secret::read_all(reader, secrets, text);
    secret::check_references(reader, secrets);
    for (id, needs) in needs {
        if let Some(job) = read_jobs.get_mut(&id) {
            job.needs = needs.into_iter().map(|(need, _)| need).collect();
        }
    }
    for ((id, name), resolved) in inputs {
        if let Some(input) = read_jobs.get_mut(&id).and_then(|job| job.inputs.get_mut(&name)) {
            *input = Input { to: std::mem::take(&mut input.to), ..resolved };
        }
    }
    Config {
        jobs: read_jobs,
        guests: config_guests,
        targets: targets_read,
        groups: group_limits,
        caches: caches_read,
        snapshot,
        secrets: secrets_read,
    }
}

/// Returns the members of a section of the file and checks their names.
fn read_section<'v>(reader: &mut Reader, file: &Fields<'v>, key: &str) -> Option<&'v Attrs> {
    let attrs = file.get(key).and_then(|field| reader.set_field(&field))?;
    for (name, attr) in attrs {
        reader.check_name(key, name, &attr.name_at);
    }
    Some(attrs)
}
