//! Copies the source tree into content-addressed snapshots, and reports the changes in it.
//!
//! In a git repository a snapshot holds the tracked files, the untracked files that aren't ignored and the empty folders,
//! as they are in the working tree, with their times. Outside a git repository it holds all files, except those that a
//! Jujutsu repository ignores. It never holds the state folder, `.git` or the folders of other version control systems: a
//! job sees the tree, not its history. Submodules and nested repositories are listed by git in the same way.
//!
//! [`read_tree`] only reads, [`take`] also copies. An index makes both fast on a tree that hasn't changed.

mod changed_files;
#[cfg_attr(target_os = "macos", path = "copy_content_macos.rs")]
mod copy_content;
mod copy_file;
mod different_files;
mod error;
mod file_digests;
mod file_selection;
mod file_stat;
mod folders;
mod git;
mod git_folders;
mod git_paths;
mod git_status;
mod guest_repository;
mod head;
mod included_files;
mod index;
mod index_codec;
mod list;
mod listed_entry;
mod read_entries;
mod read_repository;
mod repository;
mod retry;
mod scan;
mod seal;
mod store;
mod take;
#[cfg(test)]
mod tests;
mod top_names;
mod tracked_file;
mod tree;
mod tree_path;
mod walk;
mod witness;

pub use changed_files::{ChangedFiles, changed_files, committed_file};
pub use copy_content::copy_content;
pub use different_files::different_files;
pub use error::Error;
pub use file_digests::file_digests;
pub use file_stat::FileStat;
pub use git_paths::split_listing;
pub use guest_repository::GuestRepository;
pub use head::{Head, head};
pub use index::Index;
pub use read_repository::read_repository;
pub use repository::is_repository_top;
pub use scan::{is_intact, read_snapshot};
pub use seal::is_unchanged;
pub use take::{copy_tree, read_tree, take};
pub use top_names::top_names;
pub use tracked_file::tracked_file;
pub use tree::{Entry, EntryKind, Tree};
