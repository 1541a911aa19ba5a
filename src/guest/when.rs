//! The condition of a job or a step.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The ends with which something runs: of the needed jobs for a job, of the steps before it for a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// All passed.
    #[default]
    Passed,
    /// At least one didn't pass.
    Failed,
    /// Any.
    Always,
}

impl When {
    /// All values, in the order in which messages list them.
    pub const ALL: [Self; 3] = [Self::Passed, Self::Failed, Self::Always];

    /// Returns the name in a job file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Always => "always",
        }
    }

    /// Returns whether the condition holds, from whether all passed.
    #[must_use]
    pub fn holds(self, all_passed: bool) -> bool {
        match self {
            Self::Passed => all_passed,
            Self::Failed => !all_passed,
            Self::Always => true,
        }
    }

    /// Returns whether this is the default.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}
