//! The manifest of a job's artifacts.

use std::collections::BTreeSet;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::artifact_link::ArtifactLink;
use super::left_out_files::LeftOutFiles;
use crate::glob::Globs;
use crate::id::Digest;

/// Version of manifest.json that this pikaci writes.
pub const MANIFEST_VERSION: u32 = 1;

/// The artifacts of a job, as they are written to `manifest.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Manifest {
    /// The version of this format.
    pub schema_version: u32,
    /// The artifacts, by path.
    pub files: Vec<Artifact>,
    /// The symbolic links among the artifacts, by path.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<ArtifactLink>,
    /// The files that match the job's globs, but were left out.
    #[serde(default, skip_serializing_if = "LeftOutFiles::is_empty")]
    pub left_out: LeftOutFiles,
}

impl Manifest {
    /// Returns the manifest of these artifacts, without links and left-out files.
    #[must_use]
    pub fn new(files: Vec<Artifact>) -> Self {
        Self { schema_version: MANIFEST_VERSION, files, links: Vec::new(), left_out: LeftOutFiles::default() }
    }

    /// Returns a message about the left-out files, and a message about each glob that matches no file.
    #[must_use]
    pub fn messages(&self, globs: &[String]) -> Vec<String> {
        let paths = self.files.iter().map(|file| &file.path);
        let paths = paths.chain(self.links.iter().map(|link| &link.path));
        let paths = paths.chain(self.left_out.first.iter().map(|file| &file.path));
        let mut matched = BTreeSet::new();
        // If the globs can't be compiled together, there is no message about a single one.
        if let Ok(set) = Globs::new(globs.iter().map(String::as_str)) {
            paths.for_each(|path| matched.extend(set.matching_indices(Path::new(path))));
        } else {
            matched.extend(0..globs.len());
        }
        let unmatched =
            globs.iter().enumerate().filter(|(index, _)| self.left_out.more == 0 && !matched.contains(index));
        let unmatched = unmatched.map(|(_, glob)| format!("no file matches the artifacts `{glob}`"));
        self.left_out.message().into_iter().chain(unmatched).collect()
    }
}

/// A file of a job's artifacts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Artifact {
    /// Its path in the artifacts' folder, which is also its path in the workspace. Bytes that aren't UTF-8 are written
    /// like `%E9`.
    pub path: String,
    /// Its length, in bytes.
    pub len: u64,
    /// Its mode in octal digits, `755` for a program and `644` for another file; absent in manifests of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// Digest of its content; absent in manifests of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Digest>,
}

impl Artifact {
    /// Returns the path without the `./` that the manifests of earlier versions have from tar.
    #[must_use]
    pub fn clean_path(&self) -> &str {
        self.path.strip_prefix("./").unwrap_or(&self.path)
    }
}
