//! The manifest of a job's artifacts.

use std::collections::BTreeSet;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::left_out::LeftOutFiles;
use crate::glob::Globs;

/// The version of manifest.json that this pikaci writes.
pub const MANIFEST_VERSION: u32 = 1;

/// What a job brought back, as it is written to `manifest.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Manifest {
    /// The version of this format.
    pub schema_version: u32,
    /// The files, by path.
    pub files: Vec<Artifact>,
    /// The files that the job's globs match and that didn't come.
    #[serde(default, skip_serializing_if = "LeftOutFiles::is_empty")]
    pub left_out: LeftOutFiles,
}

impl Manifest {
    /// Returns the manifest of a job that brought these files back, and left out none.
    #[must_use]
    pub fn new(files: Vec<Artifact>) -> Self {
        Self { schema_version: MANIFEST_VERSION, files, left_out: LeftOutFiles::default() }
    }

    /// Returns a remark on the files that were left out, and one on each glob of the job that matched no file.
    #[must_use]
    pub fn warnings(&self, globs: &[String]) -> Vec<String> {
        let paths = self.files.iter().map(|file| &file.path);
        let paths = paths.chain(self.left_out.first.iter().map(|file| &file.path));
        let mut matched = BTreeSet::new();
        // With globs that can't be read together nothing is to be said of each.
        if let Ok(set) = Globs::new(globs.iter().map(String::as_str)) {
            paths.for_each(|path| matched.extend(set.matching(Path::new(path))));
        } else {
            matched.extend(0..globs.len());
        }
        let unmatched =
            globs.iter().enumerate().filter(|(place, _)| self.left_out.more == 0 && !matched.contains(place));
        let unmatched = unmatched.map(|(_, glob)| format!("no file matches the artifacts `{glob}`"));
        self.left_out.message().into_iter().chain(unmatched).collect()
    }
}

/// A file that a job brought back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Artifact {
    /// Its path below the artifacts' folder, and in the workspace, but for bytes of its name that are no UTF-8: those are
    /// written as `%E9` is.
    pub path: String,
    /// Its length, in bytes.
    pub len: u64,
}
