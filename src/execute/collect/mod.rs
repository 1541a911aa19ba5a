//! Artifacts: tars that a guest wrote, read as if an enemy had written them, and files of a job without a guest.

mod artifact_disk;
mod filter;
mod gather;
mod limits;
mod unpacker;

pub use artifact_disk::ArtifactDisk;
pub use gather::gather;
