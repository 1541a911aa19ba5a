//! Tests that read nothing but files of the repository.

pub mod docs;
mod flake;
mod imports;
mod job_file;
mod own_files;
mod own_jobs;
pub mod rooms;
mod security;
mod snapshot_digest;
mod words;
