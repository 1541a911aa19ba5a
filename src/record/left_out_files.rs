//! Files that match the artifacts globs of a job, but aren't among its artifacts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::guest::contract::NAMED_LEFT_OUT;

/// Number of files that a message names.
const NAMED: usize = 3;

/// A file that was left out of the artifacts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LeftOutFile {
    /// Its path in the workspace.
    pub path: String,
    /// The reason, as the end of a sentence that begins with the path.
    pub reason: String,
}

/// The files that were left out of the artifacts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LeftOutFiles {
    /// The first of them.
    pub first: Vec<LeftOutFile>,
    /// The number of the others.
    pub more: u64,
}

impl LeftOutFiles {
    /// Adds a file.
    pub fn add(&mut self, path: String, reason: &str) {
        if self.first.len() < NAMED_LEFT_OUT {
            self.first.push(LeftOutFile { path, reason: reason.to_owned() });
        } else {
            self.add_more(1);
        }
    }

    /// Adds a number of files without their names.
    pub fn add_more(&mut self, count: u64) {
        self.more = self.more.saturating_add(count);
    }

    /// Returns whether no file was left out.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count() == 0
    }

    /// Returns the number of files.
    #[must_use]
    pub fn count(&self) -> u64 {
        (self.first.len() as u64).saturating_add(self.more)
    }

    /// Returns the message about the files, if there are any.
    #[must_use]
    pub fn message(&self) -> Option<String> {
        let named = self.first.iter().take(NAMED);
        let mut parts: Vec<String> = named.map(|file| format!("{:?} {}", file.path, file.reason)).collect();
        let more = self.count() - parts.len() as u64;
        if more > 0 {
            parts.push(format!("and {more} more"));
        }
        (!self.is_empty()).then(|| format!("artifacts were left out: {}", parts.join(", ")))
    }
}
