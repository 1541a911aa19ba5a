//! The entries of a listing, before their content is read.

use rustix::fs::{FileType, Stat};

use super::file_stat::FileStat;

/// An entry of a source tree, before its content is read.
pub(super) struct ListedEntry {
    pub(super) path: Vec<u8>,
    pub(super) kind: ListedKind,
    pub(super) stat: FileStat,
}

/// The type of a listed entry.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ListedKind {
    File { executable: bool },
    Symlink,
    Folder,
    Special,
}

impl ListedEntry {
    pub(super) fn new(path: Vec<u8>, stat: &Stat) -> Self {
        let kind = match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => ListedKind::File { executable: stat.st_mode & 0o100 != 0 },
            FileType::Symlink => ListedKind::Symlink,
            FileType::Directory => ListedKind::Folder,
            _ => ListedKind::Special,
        };
        Self { path, kind, stat: FileStat::from(stat) }
    }

    /// Returns an empty folder.
    pub(super) fn empty_folder(path: Vec<u8>) -> Self {
        Self { path, kind: ListedKind::Folder, stat: FileStat::default() }
    }
}
