//! Targets.

use std::collections::BTreeMap;

use super::file_keys;
use super::reader::{Reader, attr_path};
use super::references::JobNames;
use crate::config::Target;
use crate::config::eval::Attrs;

/// Reads all targets of a job file.
pub(super) fn read_all(reader: &mut Reader, attrs: &Attrs, names: &JobNames<'_>) -> BTreeMap<String, Target> {
    let mut targets = BTreeMap::new();
    for (name, attr) in attrs {
        let path = attr_path("targets", name);
        let Some(set) = reader.set(&path, &attr.value) else { continue };
        let fields = reader.fields(&path, set, file_keys::TARGET);
        let field = fields.get("jobs");
        let jobs = field.as_ref().and_then(|field| reader.strings(field));
        if fields.is_missing("jobs") || jobs.as_ref().is_some_and(Vec::is_empty) {
            reader.refuse(&attr.name_at, format!("`{path}` has no jobs"), "write `jobs = [ \"test\" ];`");
        }
        let jobs = names.target_jobs(reader, &jobs.unwrap_or_default());
        let description = fields.get("description").and_then(|field| reader.line(&field));
        targets.insert(name.to_string(), Target { description, jobs });
    }
    targets
}
