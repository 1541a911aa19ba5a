//! Validation of a whole job file.

use super::job::Defaults;
use super::reader::{Fields, Reader};
use super::{guest, job, keys, references, target};
use crate::config::Config;
use crate::config::eval::{Attrs, Value};
use crate::config::problem::Problem;

/// Validates the value of a job file.
pub(crate) fn read(value: &Value) -> Result<Config, Vec<Problem>> {
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
    let empty = Attrs::new();
    let jobs = read_section(reader, file, "jobs").unwrap_or(&empty);
    let guests = read_section(reader, file, "guests").unwrap_or(&empty);
    let targets = read_section(reader, file, "targets").unwrap_or(&empty);

    let mut defaults = Defaults::default();
    if let Some(set) = file.get("defaults").and_then(|field| reader.set_field(&field)) {
        let fields = reader.fields("defaults", set, keys::DEFAULTS);
        defaults = job::read_defaults(reader, &fields, jobs.len());
    }
    let config = Config {
        guests: guest::read_all(reader, guests),
        jobs: job::read_all(reader, jobs, &defaults),
        targets: target::read_all(reader, targets),
    };
    references::check(reader, jobs, guests, targets);
    config
}

/// Returns the members of a section of the file and checks their names.
fn read_section<'v>(reader: &mut Reader, file: &Fields<'v>, key: &str) -> Option<&'v Attrs> {
    let attrs = file.get(key).and_then(|field| reader.set_field(&field))?;
    for (name, attr) in attrs {
        reader.check_name(key, name, &attr.name_at);
    }
    Some(attrs)
}
