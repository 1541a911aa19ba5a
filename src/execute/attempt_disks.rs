//! The disks of an attempt: the request to the guest, the artifacts from the guest, and the space of the job.

#![expect(clippy::disallowed_methods, reason = "writes the request")]

use std::fs;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::PathBuf;

use anyhow::{Context as _, Result};

use super::collect::ArtifactDisk;
use super::ext4::{empty_ext4, ext4_size};
use super::memory_file::memory_file;
use super::writable_disk::WritableDisk;
use crate::guest::{Request, encode_request};
use crate::plan::record::PlannedJob;
use crate::quota::Quota;
use crate::state::{AttemptLayout, TEMPORARY_PREFIX};

/// The disks of an attempt; dropping this value removes them.
pub(super) struct AttemptDisks {
    /// Path of the disk with the request.
    pub(super) request: PathBuf,
    /// The disk with the request if it has a secret; there is no file then.
    secret_request: Option<OwnedFd>,
    /// Path of the disk for artifacts.
    pub(super) artifacts: PathBuf,
    /// The disk for artifacts.
    pub(super) artifact_disk: ArtifactDisk,
    /// Path of the disk for everything that the job writes, and the disk; without it the guest uses its memory.
    pub(super) scratch: Option<(PathBuf, WritableDisk)>,
    /// Folder of the disks.
    pub(super) folder: tempfile::TempDir,
}

impl AttemptDisks {
    /// Creates the disks of a job in a temporary folder inside the folder of an attempt.
    pub(super) fn make(
        attempt: &AttemptLayout,
        request_message: &Request,
        job: &PlannedJob,
        quota: &Quota,
    ) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix(TEMPORARY_PREFIX)
            .tempdir_in(attempt.root())
            .with_context(|| format!("making a folder in {}", attempt.root().display()))?;
        let (request, artifacts) = (folder.path().join("request"), folder.path().join("artifacts"));
        let tar = encode_request(request_message).context("encoding the guest's request")?;
        let secret_request = if request_message.secrets.is_empty() {
            fs::write(&request, tar).with_context(|| format!("writing {}", request.display()))?;
            None
        } else {
            Some(memory_file("request", &tar).context("making the guest's request in memory")?)
        };
        let artifact_disk = ArtifactDisk::make(&artifacts, job.artifacts_mib, quota)?;
        let make_scratch = |mib| {
            let path = folder.path().join("scratch");
            let disk = WritableDisk::make(&path, ext4_size(mib), empty_ext4(mib), quota)?;
            Ok::<_, anyhow::Error>((path, disk))
        };
        let scratch = job.disk_mib.map(make_scratch).transpose()?;
        Ok(Self { request, secret_request, artifacts, artifact_disk, scratch, folder })
    }

    /// Returns the disk with the request if it is in memory alone.
    pub(super) fn request_in_memory(&self) -> Option<BorrowedFd<'_>> {
        self.secret_request.as_ref().map(|disk| disk.as_fd())
    }

    /// Returns the disks that the guest writes to.
    pub(super) fn writable(&self) -> Vec<&WritableDisk> {
        [self.artifact_disk.writable()].into_iter().chain(self.scratch.as_ref().map(|(_, disk)| disk)).collect()
    }
}
