//! The reason for an outcome.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The reason for which a run, a node or a job didn't pass, and the remedy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reason {
    /// The failure.
    pub message: Option<String>,
    /// The remedy, as a command if there is one.
    pub hint: Option<String>,
    /// The last lines of the log that shows the failure, if that isn't the guest's log.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
}

impl Reason {
    /// Returns a reason with a message and a hint.
    #[must_use]
    pub fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: Some(message.into()), hint: Some(hint.into()), evidence: Vec::new() }
    }
}
