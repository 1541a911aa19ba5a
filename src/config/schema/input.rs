//! Inputs of jobs.

use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;

use super::inner_keys;
use super::reader::{Field, Fields, InputReference, JobReference, Reader, attr_path};
use super::references::JobNames;
use crate::config::JobSelector;
use crate::config::input::{Input, leg_folder};
use crate::config::job::Job;
use crate::config::problem::{ByteRange, quoted};
use crate::id::JobId;

/// Name of the folder of a repository, which no input may fill.
const REPOSITORY: &str = ".git";

/// Reads the inputs of a job, whose `from` is resolved once all jobs are read. The job needs the jobs of its inputs.
pub(super) fn read_all(reader: &mut Reader, fields: &Fields, id: &JobId) -> BTreeMap<String, Input> {
    let mut inputs: BTreeMap<String, Input> = BTreeMap::new();
    let Some(field) = fields.get("inputs") else { return inputs };
    let Some(attrs) = reader.set_field(&field) else { return inputs };
    for (name, attr) in attrs {
        reader.check_name(&field.path, name, &attr.name_at);
        let path = attr_path(&field.path, name);
        let Some(set) = reader.set(&path, &attr.value) else { continue };
        let fields = reader.fields(&path, set, inner_keys::INPUT);
        if fields.is_missing("from") {
            reader.refuse(&attr.name_at, format!("`{path}` has no `from`"), "write `from = \"build\";`");
        }
        let to = fields.get("to").and_then(|field| read_folder(reader, &field)).unwrap_or_default();
        if let Some((other, _)) = inputs.iter().find(|(_, other)| is_nested(&other.to, &to)) {
            let message =
                format!("`{path}` and the input {} have the same folder, or one inside of the other", quoted(other));
            reader.refuse(&attr.name_at, message, format!("write `to = \"{name}\";`, a folder for this input alone"));
        }
        if let Some(from) = fields.get("from")
            && let Some(text) = reader.string(&from)
        {
            let at = from.value.at.clone();
            let need = JobReference { needed_by: id.clone(), name: Rc::clone(text), at: at.clone() };
            reader.job_references.push(need);
            let (input, from) = (name.to_string(), Rc::clone(text));
            reader.input_references.push(InputReference { needed_by: id.clone(), input, from, at });
        }
        inputs.insert(name.to_string(), Input { from: Vec::new(), to, by_leg: false });
    }
    inputs
}

/// Reads a folder of the workspace.
fn read_folder(reader: &mut Reader, field: &Field) -> Option<String> {
    let folder = reader.string(field)?;
    let folder = folder.trim_end_matches('/');
    if folder == "." {
        return Some(String::new());
    }
    let is_name = |part: &str| !["", "..", "."].contains(&part) && !part.eq_ignore_ascii_case(REPOSITORY);
    if folder.contains(char::is_control) || !folder.split('/').all(is_name) {
        let message = format!("`{}` can't be {}", field.path, quoted(folder));
        reader.refuse(&field.value.at, message, "write a folder of the project that isn't `.git`: `to = \"build\";`");
    }
    Some(folder.to_owned())
}

/// Returns whether two folders are the same, or one is inside of the other.
fn is_nested(one: &str, other: &str) -> bool {
    Path::new(one).starts_with(other) || Path::new(other).starts_with(one)
}

/// Fills in the jobs of all inputs, and refuses jobs that keep no artifacts.
pub(super) fn resolve_all(reader: &mut Reader, names: &JobNames) -> BTreeMap<(JobId, String), Input> {
    let mut resolved = BTreeMap::new();
    for InputReference { needed_by, input, from, at } in std::mem::take(&mut reader.input_references) {
        let jobs = names.resolve(reader, &from, &at);
        let axes = JobSelector::parse(&from).map_or(0, |selector| selector.axes.len());
        let by_leg = jobs.iter().any(|(_, job)| job.matrix.len() > axes);
        for (id, job) in &jobs {
            check_source(reader, id, job, by_leg, &at);
        }
        let is_left_out = !jobs.is_empty() && jobs.iter().all(|(_, job)| job.skip.is_some());
        if is_left_out {
            let message = format!("`adjust` leaves out all of {}", quoted(&from));
            reader.refuse(&at, message, "name a leg that runs");
        }
        let from = jobs.into_iter().filter(|(_, job)| job.skip.is_none()).map(|(id, _)| id.clone()).collect();
        resolved.insert((needed_by, input), Input { from, to: String::new(), by_leg });
    }
    resolved
}

fn check_source(reader: &mut Reader, id: &JobId, job: &Job, by_leg: bool, at: &ByteRange) {
    if job.artifacts.is_empty() {
        let message = format!("the job {} keeps no artifacts", quoted(id.as_str()));
        reader.refuse(at, message, "name files in that job: `artifacts = [ \"build/**\" ];`");
    } else if by_leg && leg_folder(id).contains('/') {
        let message =
            format!("a value of {} has a `/`, so that no folder can have the name of the leg", quoted(id.as_str()));
        reader.refuse(at, message, "name a single leg, with all of its axes");
    }
}
