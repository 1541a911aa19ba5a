//! Tests with real folders and a real git.
#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "makes source trees with real files and git")]

mod changed_files;
mod checkouts;
mod fixture;
mod guest_repository;
mod index;
mod interrupt;
mod list;
mod replaced_folder;
mod selection;
mod store;
