//! The section `snapshot`.

use super::reader::{Fields, Reader};
use super::{file_keys, globs};
use crate::config::SnapshotGlobs;

/// Maximum number of globs of a key: every file of a project is compared with all of them.
const MAX_GLOBS: usize = 100;

/// Reads the section of a job file; without it there are no globs.
pub(super) fn read(reader: &mut Reader, file: &Fields) -> SnapshotGlobs {
    let Some(field) = file.get("snapshot") else { return SnapshotGlobs::default() };
    let Some(attrs) = reader.set_field(&field) else { return SnapshotGlobs::default() };
    let fields = reader.fields("snapshot", attrs, file_keys::SNAPSHOT);
    let mut list = |name| {
        let Some(field) = fields.get(name) else { return Vec::new() };
        let globs = globs::read(reader, &field);
        if globs.len() > MAX_GLOBS {
            let message = format!("`{}` has more than {MAX_GLOBS} globs", field.path);
            reader.refuse(&field.value.at, message, "name folders instead of files");
        }
        globs
    };
    SnapshotGlobs { include: list("include"), exclude: list("exclude") }
}
