//! Tests that read nothing but files of the repository.

mod docs;
mod flake;
mod imports;
mod own_jobs;
pub mod rooms;
mod security;
mod words;
