//! JSON Schemas of files, made from the types and their documentation.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};

use super::job_file_schema::job_file_schema;
use crate::event::Event;
use crate::plan::RunPlanRecord;
use crate::policy::Policy;
use crate::record::{JobRecord, Manifest, RunRecord};

/// Format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordFormat {
    /// Line of `events.jsonl`.
    Event,
    /// `plan.json`.
    Plan,
    /// `run.json`.
    Run,
    /// `status.json`.
    Job,
    /// `manifest.json`.
    Manifest,
    /// `policy.json`.
    Policy,
    /// Value of `pikaci.nix`.
    JobFile,
}

/// Returns the schema of a format. Files of older versions of pikaci match it too: fields that were added later are
/// optional.
#[must_use]
pub fn schema(format: RecordFormat) -> Schema {
    match format {
        RecordFormat::Event => of_type::<Event>(),
        RecordFormat::Plan => of_type::<RunPlanRecord>(),
        RecordFormat::Run => of_type::<RunRecord>(),
        RecordFormat::Job => of_type::<JobRecord>(),
        RecordFormat::Manifest => of_type::<Manifest>(),
        RecordFormat::Policy => of_type::<Policy>(),
        RecordFormat::JobFile => job_file_schema(),
    }
}

fn of_type<T: JsonSchema>() -> Schema {
    SchemaSettings::draft2020_12().for_deserialize().into_generator().into_root_schema_for::<T>()
}
