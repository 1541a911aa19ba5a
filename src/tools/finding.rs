//! Results of checks, each with its remedy.

use serde::Serialize;

/// Severity of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Nothing is wrong.
    Ok,
    /// Jobs can run, but with less speed, less protection or less room than they could.
    Warning,
    /// At least one job can't run.
    Problem,
}

impl Level {
    /// Returns the name of the level, for people.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

/// Result of one check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Subject of the check, in one word.
    pub topic: String,
    /// Severity.
    pub level: Level,
    /// State that the check observed.
    #[serde(rename = "what")]
    pub message: String,
    /// Remedy, if the level isn't `Ok`.
    pub remedy: Option<String>,
}

impl Finding {
    /// Creates a finding without anything wrong.
    #[must_use]
    pub fn ok(topic: &str, message: impl Into<String>) -> Self {
        Self { topic: topic.to_owned(), level: Level::Ok, message: message.into(), remedy: None }
    }

    /// Creates a finding of a level, with its remedy.
    #[must_use]
    pub fn new(level: Level, topic: &str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { level, remedy: Some(remedy.into()), ..Self::ok(topic, message) }
    }

    /// Creates a warning.
    pub fn warning(topic: &str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(Level::Warning, topic, message, remedy)
    }

    /// Creates a problem.
    pub fn problem(topic: &str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(Level::Problem, topic, message, remedy)
    }
}
