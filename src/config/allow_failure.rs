//! Failures that a job file allows.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Failures of a job that don't make its run fail: true, false or a list of exit codes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "AllowValue", into = "AllowValue")]
pub enum AllowFailure {
    /// No failure.
    #[default]
    Never,
    /// Every failure of the command, and its timeout.
    Always,
    /// A failure with one of these exit codes.
    Codes(Vec<u8>),
}

impl AllowFailure {
    /// Returns whether a failure with this exit code is allowed; a timeout has none.
    #[must_use]
    pub fn allows(&self, exit_code: Option<i32>) -> bool {
        match self {
            Self::Never => false,
            Self::Always => true,
            Self::Codes(codes) => codes.iter().any(|code| exit_code == Some(i32::from(*code))),
        }
    }

    /// Returns whether this is the default.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Allowed failures as a job file spells them.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum AllowValue {
    Switch(bool),
    Codes(Vec<u8>),
}

impl From<AllowValue> for AllowFailure {
    fn from(value: AllowValue) -> Self {
        match value {
            AllowValue::Switch(false) => Self::Never,
            AllowValue::Switch(true) => Self::Always,
            AllowValue::Codes(codes) => Self::Codes(codes),
        }
    }
}

impl From<AllowFailure> for AllowValue {
    fn from(allow: AllowFailure) -> Self {
        match allow {
            AllowFailure::Never => Self::Switch(false),
            AllowFailure::Always => Self::Switch(true),
            AllowFailure::Codes(codes) => Self::Codes(codes),
        }
    }
}
