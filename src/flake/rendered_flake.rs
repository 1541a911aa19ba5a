//! A flake before it is written: files with their contents.

use std::collections::BTreeMap;

use crate::facts::BlobRef;

/// A runner flake: files by their path in the flake's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenderedFlake {
    /// Files by path; every path is relative, without `.` or `..`.
    pub files: BTreeMap<String, FlakeFile>,
}

/// A file of a rendered flake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlakeFile {
    /// True if the file is executable.
    pub executable: bool,
    /// Content of the file.
    pub content: FlakeContent,
}

impl FlakeFile {
    /// Returns a file with this content that isn't executable.
    pub(super) fn inline(content: impl Into<Vec<u8>>) -> Self {
        Self { executable: false, content: FlakeContent::Inline(content.into()) }
    }

    /// Returns a file with the content of a file of the host.
    pub(super) fn blob(blob: &BlobRef, executable: bool) -> Self {
        Self { executable, content: FlakeContent::Blob(blob.clone()) }
    }
}

/// Content of a flake's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlakeContent {
    /// The bytes of the file.
    Inline(Vec<u8>),
    /// A file of the host that is copied when the flake is written.
    Blob(BlobRef),
}
