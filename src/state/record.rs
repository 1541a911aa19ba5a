//! Records of runs, as this pikaci or an older one wrote them.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::{RunLayout, read_json};
use crate::record::{RunRecord, SCHEMA_VERSION};

/// Reads a run's record.
///
/// # Errors
/// When it can't be read, or a later pikaci wrote it.
pub fn read_record(run: &RunLayout) -> Result<RunRecord> {
    let path = run.record();
    let value: Value = read_json(&path)?;
    let version = &value["schema_version"];
    ensure!(
        version.as_u64().is_none_or(|version| version <= u64::from(SCHEMA_VERSION)),
        "{} has version {version}, and this pikaci knows version {SCHEMA_VERSION}",
        path.display()
    );
    serde_json::from_value(value).with_context(|| format!("decoding {}", path.display()))
}
