//! A run whose record can't be read.

use serde::Serialize;

use crate::id::RunId;

/// Run whose record can't be read.
#[derive(Clone, Debug, Serialize)]
pub struct BrokenRun {
    /// Id of the run.
    pub run_id: RunId,
    /// Error of the attempt to read the record.
    pub error: String,
}
