//! Reading of plans and records that this pikaci or an older one wrote.

use anyhow::{Context as _, Result, ensure};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::read_json::read_json;
use super::run_layout::RunLayout;
use crate::foreign::Beneath;
use crate::plan::{self, RunPlanRecord};
use crate::record::{JobRecord, MANIFEST_VERSION, Manifest, RunRecord, SCHEMA_VERSION};

/// Reads the plan of a run.
///
/// # Errors
/// When it can't be read, or a later pikaci wrote it.
pub fn read_plan(run: &RunLayout) -> Result<RunPlanRecord> {
    read_versioned(&run.plan(), plan::record::SCHEMA_VERSION)
}

/// Reads the record of a run.
///
/// # Errors
/// When it can't be read, or a later pikaci wrote it.
pub fn read_run_record(run: &RunLayout) -> Result<RunRecord> {
    read_versioned(&run.record(), SCHEMA_VERSION)
}

/// Reads the record of a job, a `status.json`.
///
/// # Errors
/// When it can't be read, or a later pikaci wrote it.
pub fn read_job_record(path: &Beneath) -> Result<JobRecord> {
    read_versioned(path, SCHEMA_VERSION)
}

/// Reads the manifest of an attempt's artifacts.
///
/// # Errors
/// When it can't be read, or a later pikaci wrote it.
pub fn read_manifest(path: &Beneath) -> Result<Manifest> {
    read_versioned(path, MANIFEST_VERSION)
}

/// Returns whether the record of a run isn't JSON. A power loss may tear the record of a running run.
#[must_use]
pub fn is_torn(run: &RunLayout) -> bool {
    read_json::<Value>(&run.record()).is_err()
}

/// Reads a JSON file whose `schema_version` is at most `supported`.
fn read_versioned<T: DeserializeOwned>(path: &Beneath, supported: u32) -> Result<T> {
    let value: Value = read_json(path)?;
    let version = &value["schema_version"];
    ensure!(
        version.as_u64().is_none_or(|version| version <= u64::from(supported)),
        "{} has version {version}, and this pikaci supports version {supported}",
        path.display()
    );
    serde_json::from_value(value).with_context(|| format!("decoding {}", path.display()))
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests make files of their own")]
mod tests {
    use std::fs;

    use super::{read_job_record, read_manifest};
    use crate::foreign::Beneath;

    const STATUS: &str = include_str!("../../tests/fixtures/records/1/build.json");

    #[test]
    fn a_file_of_a_later_version_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = Beneath::new(folder.path()).join("a.json");
        fs::write(&path, STATUS).unwrap();
        assert_eq!(read_job_record(&path).unwrap().id.as_str(), "build");
        fs::write(&path, STATUS.replacen("\"schema_version\": 1", "\"schema_version\": 2", 1)).unwrap();
        let error = read_job_record(&path).unwrap_err().to_string();
        assert!(error.ends_with(" has version 2, and this pikaci supports version 1"), "{error}");
        fs::write(&path, r#"{ "schema_version": 1, "files": [] }"#).unwrap();
        assert!(read_manifest(&path).unwrap().files.is_empty());
        fs::write(&path, r#"{ "schema_version": 9, "paths": [] }"#).unwrap();
        let error = read_manifest(&path).unwrap_err().to_string();
        assert!(error.ends_with(" has version 9, and this pikaci supports version 1"), "{error}");
    }
}
