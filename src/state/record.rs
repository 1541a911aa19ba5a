//! Records and plans of runs, as this pikaci or an older one wrote them.

use anyhow::{Context as _, Result, ensure};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{RunLayout, read_json};
use crate::foreign::Beneath;
use crate::plan::{self, RunPlanRecord};
use crate::record::{RunRecord, SCHEMA_VERSION};

/// Reads a run's record.
///
/// # Errors
/// When it can't be read, or a later pikaci wrote it.
pub fn read_record(run: &RunLayout) -> Result<RunRecord> {
    read_versioned(&run.record(), SCHEMA_VERSION)
}

/// Returns whether a run's record can't be read at all: a power loss may have torn that of a run that went on.
#[must_use]
pub fn is_torn(run: &RunLayout) -> bool {
    read_json::<Value>(&run.record()).is_err()
}

/// Reads a run's plan.
///
/// # Errors
/// When it can't be read, or a later pikaci wrote it.
pub fn read_plan(run: &RunLayout) -> Result<RunPlanRecord> {
    read_versioned(&run.plan(), plan::record::SCHEMA_VERSION)
}

fn read_versioned<T: DeserializeOwned>(path: &Beneath, known: u32) -> Result<T> {
    let value: Value = read_json(path)?;
    let version = &value["schema_version"];
    ensure!(
        version.as_u64().is_none_or(|version| version <= u64::from(known)),
        "{} has version {version}, and this pikaci knows version {known}",
        path.display()
    );
    serde_json::from_value(value).with_context(|| format!("decoding {}", path.display()))
}
