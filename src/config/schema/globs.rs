//! Globs of jobs.

use std::collections::BTreeSet;

use super::reader::{Field, Reader};
use crate::config::problem::quoted;
use crate::glob;

/// Reads a list of globs.
pub(super) fn read(reader: &mut Reader, field: &Field) -> Vec<String> {
    let globs = reader.strings(field).unwrap_or_default();
    let mut checked = BTreeSet::new();
    for (text, at) in &globs {
        if checked.insert(&***text)
            && let Err(error) = glob::check(text)
        {
            reader.refuse(at, format!("{} in `{}` {error}", quoted(text), field.path), field.hint());
        }
    }
    globs.into_iter().map(|(glob, _)| glob.to_string()).collect()
}
