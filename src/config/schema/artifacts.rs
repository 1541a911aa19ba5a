//! The artifacts of a job.

use super::guest::read_size;
use super::reader::{Fields, Reader};
use super::{globs, inner_keys};
use crate::config::eval::ValueKind;
use crate::config::job::Job;
use crate::guest::contract::DEFAULT_ARTIFACTS_MIB;

/// Minimum of the size of the artifacts, in MiB.
const MIN_MIB: u64 = 64;
/// Maximum of the size of the artifacts, in MiB.
const MAX_MIB: u64 = 1 << 20;

/// Reads the artifacts of a job, as globs or as a set with more keys, in place of those of `defaults`.
pub(super) fn read(reader: &mut Reader, fields: &Fields, job: &mut Job) {
    let Some(field) = fields.get("artifacts") else { return };
    (job.artifacts_required, job.artifacts_mib) = (false, DEFAULT_ARTIFACTS_MIB);
    let ValueKind::Attrs(attrs) = &field.value.kind else {
        job.artifacts = globs::read(reader, &field);
        return;
    };
    let fields = reader.fields(&field.path, attrs, inner_keys::ARTIFACTS);
    if fields.is_missing("paths") {
        let hint = "write `artifacts = { paths = [ \"build/**\" ]; };`";
        reader.refuse(&field.value.at, format!("`{}` has no `paths`", field.path), hint);
    }
    job.artifacts = fields.get("paths").map(|field| globs::read(reader, &field)).unwrap_or_default();
    job.artifacts_required = fields.get("required").and_then(|field| reader.boolean(&field)).unwrap_or_default();
    job.artifacts_mib = read_size(reader, &fields, "size", MIN_MIB..=MAX_MIB).unwrap_or(DEFAULT_ARTIFACTS_MIB);
}
