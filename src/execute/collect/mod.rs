//! Collects the artifacts of a job: from the tars of a guest, which may be hostile, or from the workspace of a job
//! without a guest.

mod artifact_disk;
mod artifact_filter;
mod gather_artifacts;
mod limits;
mod unpacker;

pub use artifact_disk::ArtifactDisk;
pub use gather_artifacts::gather_artifacts;
