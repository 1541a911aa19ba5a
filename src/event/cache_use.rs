//! The use of a cache by a job.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The use of a cache by a job: the content that the job got, and the content that it left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CacheUse {
    /// The cache.
    pub cache: String,
    /// The content that the job got.
    pub got: CacheStart,
    /// The reason for which that isn't a generation for the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub got_reason: Option<String>,
    /// The content that the job left.
    pub left: CacheEnd,
    /// The reason for which the content that it left isn't kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_reason: Option<String>,
}

/// The content of a cache that a job got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CacheStart {
    /// A generation for the key.
    Hit,
    /// The newest generation for another key.
    FallBack,
    /// Nothing.
    Miss,
}

/// The content of a cache that a job left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CacheEnd {
    /// A new generation.
    Kept,
    /// The content that it got.
    Unchanged,
    /// A content that isn't kept.
    Dropped,
}

impl CacheStart {
    /// Returns the word for people.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::FallBack => "fall-back",
            Self::Miss => "miss",
        }
    }
}

impl CacheUse {
    /// Returns the use as a line for people.
    #[must_use]
    pub fn text(&self) -> String {
        let because = |reason: &Option<String>| reason.as_ref().map_or(String::new(), |reason| format!(" ({reason})"));
        let left = match self.left {
            CacheEnd::Kept => "kept",
            CacheEnd::Unchanged => "unchanged",
            CacheEnd::Dropped => "not kept",
        };
        let Self { cache, got, got_reason, left_reason, .. } = self;
        format!("cache {cache}: {}{}, {left}{}", got.word(), because(got_reason), because(left_reason))
    }
}
