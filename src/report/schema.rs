//! The formats of what is recorded, as JSON Schema: the types say what there is, their documentation what it means.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};

use crate::event::Event;
use crate::plan::RunPlanRecord;
use crate::policy::Policy;
use crate::record::{JobRecord, Manifest, RunRecord};

/// Something that is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// A line of `events.jsonl`.
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
}

/// Returns what holds for every one of this version, also for those of earlier pikacis: what came later may be missing.
#[must_use]
pub fn schema(of: Recorded) -> Schema {
    match of {
        Recorded::Event => of_type::<Event>(),
        Recorded::Plan => of_type::<RunPlanRecord>(),
        Recorded::Run => of_type::<RunRecord>(),
        Recorded::Job => of_type::<JobRecord>(),
        Recorded::Manifest => of_type::<Manifest>(),
        Recorded::Policy => of_type::<Policy>(),
    }
}

fn of_type<T: JsonSchema>() -> Schema {
    SchemaSettings::draft2020_12().for_deserialize().into_generator().into_root_schema_for::<T>()
}
