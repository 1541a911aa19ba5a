//! The disks of an attempt: the request to the guest, and the artifacts from the guest.

#![expect(clippy::disallowed_methods, reason = "writes the request")]

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

use super::collect::ArtifactDisk;
use crate::guest::{Request, encode_request};
use crate::quota::Quota;
use crate::state::{AttemptLayout, TEMPORARY_PREFIX};

/// The disks of an attempt; dropping this value removes them.
pub(super) struct AttemptDisks {
    /// Path of the disk with the request.
    pub(super) request: PathBuf,
    /// Path of the disk for artifacts.
    pub(super) artifacts: PathBuf,
    /// The disk for artifacts.
    pub(super) artifact_disk: ArtifactDisk,
    /// Folder of both disks.
    pub(super) folder: tempfile::TempDir,
}

impl AttemptDisks {
    /// Creates the disks in a temporary folder inside the folder of an attempt.
    pub(super) fn make(attempt: &AttemptLayout, request_message: &Request, quota: &Quota) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix(TEMPORARY_PREFIX)
            .tempdir_in(attempt.root())
            .with_context(|| format!("making a folder in {}", attempt.root().display()))?;
        let (request, artifacts) = (folder.path().join("request"), folder.path().join("artifacts"));
        let tar = encode_request(request_message).context("encoding the guest's request")?;
        fs::write(&request, tar).with_context(|| format!("writing {}", request.display()))?;
        let artifact_disk = ArtifactDisk::make(&artifacts, quota)?;
        Ok(Self { request, artifacts, artifact_disk, folder })
    }
}
