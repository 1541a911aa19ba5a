//! The index of the snapshot that was last made of a source tree.

use std::cmp::Ordering;

use rayon::prelude::*;

use super::file_stat::FileStat;
use super::listed_entry::ListedEntry;
use super::tree::{EntryKind, Tree};
use super::witness::{self, Witness};
use crate::id::Digest;

/// The coarsest clock tick of any file system. A file that was written within this time before it was read may have been
/// written again within the same tick, with the same times: it is read again.
const TICK_NS: i64 = 2_000_000_000;

/// The files of a source tree with their metadata and digests, kept in a file of the state folder.
///
/// An index only saves work: a missing, damaged or outdated index leads to the same tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// Time when reading the tree began, in nanoseconds since 1970.
    pub(super) started_ns: i64,
    pub(super) snapshot: Digest,
    pub(super) environment: Vec<u8>,
    /// Files and folders that the listing depends on. Without witnesses git has to list the files again.
    pub(super) witnesses: Vec<Witness>,
    /// Paths of the links and empty folders, sorted.
    pub(super) others: Vec<Vec<u8>>,
    pub(super) files: Vec<IndexedFile>,
}

/// A file of an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IndexedFile {
    pub(super) path: Vec<u8>,
    pub(super) executable: bool,
    pub(super) stat: FileStat,
    pub(super) content: [u8; 32],
}

impl Index {
    /// Makes the index of a tree whose snapshot exists.
    pub(super) fn new(tree: &Tree, witnesses: Vec<Witness>) -> Self {
        let (mut files, mut others) = (Vec::new(), Vec::new());
        for entry in tree.entries() {
            let path = entry.path.clone();
            match entry.kind {
                EntryKind::File { executable, content, stat } => {
                    files.push(IndexedFile { path, executable, stat, content });
                }
                _ => others.push(path),
            }
        }
        Self {
            started_ns: tree.started_ns(),
            snapshot: tree.copy_id().clone(),
            environment: witness::git_environment(),
            witnesses,
            others,
            files,
        }
    }

    /// Returns the name of the snapshot that the index describes.
    #[must_use]
    pub fn snapshot(&self) -> &Digest {
        &self.snapshot
    }

    /// Returns whether a new index of the tree would save no more work than this index.
    pub(super) fn is_current(&self, tree: &Tree) -> bool {
        let stats = tree.entries().iter().filter_map(|entry| match entry.kind {
            EntryKind::File { stat, .. } => Some(stat),
            _ => None,
        });
        self.snapshot == *tree.copy_id()
            && (tree.listed_from_index || self.witnesses.is_empty())
            && self.files.iter().map(|file| file.stat).eq(stats)
            && self.files.iter().all(|file| self.is_settled(&file.stat))
    }

    /// Returns the paths of the tree, sorted, if the witnesses show that git would list the same paths now.
    pub(super) fn listing(&self) -> Option<Vec<&[u8]>> {
        let is_valid =
            |witness: &Witness| witness.stat.is_none_or(|stat| self.is_settled(&stat)) && witness.is_unchanged();
        if self.witnesses.is_empty()
            || self.environment != witness::git_environment()
            || !self.witnesses.par_iter().all(is_valid)
        {
            return None;
        }
        Some(self.paths())
    }

    /// Returns the recorded paths of the tree, sorted.
    pub(super) fn paths(&self) -> Vec<&[u8]> {
        let others = self.others.iter().map(Vec::as_slice);
        let mut paths: Vec<_> = self.files.iter().map(|file| file.path.as_slice()).chain(others).collect();
        paths.sort();
        paths
    }

    /// Returns whether the tree had a link or an empty folder at a path.
    pub(super) fn has_other(&self, path: &[u8]) -> bool {
        self.others.binary_search_by(|other| other.as_slice().cmp(path)).is_ok()
    }

    /// Returns whether the snapshot has a file with the same content, executable bit and time.
    pub(super) fn has_file(&self, path: &[u8], executable: bool, content: &[u8; 32], mtime_ns: i64) -> bool {
        let at = self.files.binary_search_by(|file| file.path.as_slice().cmp(path));
        at.map(|at| &self.files[at]).is_ok_and(|file| {
            file.executable == executable && file.content == *content && file.stat.mtime_ns == mtime_ns
        })
    }

    /// Returns the digests of entries that are sorted by path; `None` for each entry that isn't an unchanged file.
    pub(super) fn unchanged_contents(&self, entries: &[ListedEntry]) -> Vec<Option<[u8; 32]>> {
        let mut files = self.files.iter().peekable();
        let content = |entry: &ListedEntry| {
            while files.next_if(|file| file.path.as_slice().cmp(&entry.path) == Ordering::Less).is_some() {}
            let file = files.next_if(|file| file.path == entry.path)?;
            (file.stat == entry.stat && self.is_settled(&file.stat)).then_some(file.content)
        };
        entries.iter().map(content).collect()
    }

    /// Returns whether a file was old enough when it was read that any later change has another time.
    fn is_settled(&self, stat: &FileStat) -> bool {
        stat.mtime_ns.max(stat.ctime_ns) < self.started_ns.saturating_sub(TICK_NS)
    }
}

#[cfg(test)]
mod tests {
    use super::{FileStat, Index, IndexedFile, ListedEntry, TICK_NS};
    use crate::id::Digest;
    use crate::snapshot::listed_entry::ListedKind;

    fn listed(path: &[u8], stat: FileStat) -> ListedEntry {
        ListedEntry { path: path.to_vec(), kind: ListedKind::File { executable: false }, stat }
    }

    #[test]
    fn only_unchanged_and_settled_files_have_a_digest() {
        let same = FileStat { inode: 7, len: 8, mtime_ns: 9, ctime_ns: 10 };
        let file = |path: &[u8]| IndexedFile { path: path.to_vec(), executable: true, stat: same, content: [3; 32] };
        let index = Index {
            started_ns: 11 + TICK_NS,
            snapshot: Digest::of(b""),
            environment: Vec::new(),
            witnesses: Vec::new(),
            others: Vec::new(),
            files: vec![file(b"a"), file(b"b\xff")],
        };
        let names: [&[u8]; 4] = [b"0", b"a", b"aa", b"b\xff"];
        let digests = index.unchanged_contents(&names.map(|name| listed(name, same)));
        assert_eq!(digests, [None, Some([3; 32]), None, Some([3; 32])]);
        for other in [
            FileStat { inode: 0, ..same },
            FileStat { len: 0, ..same },
            FileStat { mtime_ns: 0, ..same },
            FileStat { ctime_ns: 0, ..same },
        ] {
            assert_eq!(index.unchanged_contents(&[listed(b"a", other)]), [None]);
        }
        let early = Index { started_ns: 10 + TICK_NS, ..index };
        assert_eq!(early.unchanged_contents(&[listed(b"a", same)]), [None]);
    }
}
