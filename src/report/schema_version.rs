//! The version of printed JSON.

/// Version of the JSON of a list, a run, artifacts and a diagnosis.
pub(super) const SCHEMA_VERSION: u32 = 1;
