//! What a source tree held when it was last copied.

use std::cmp::Ordering;

use rayon::prelude::*;

use super::list::Found;
use super::tree::{EntryKind, FileStat, Tree};
use super::witness::{self, Witness};
use crate::id::Digest;

/// The coarsest clock that file systems have. A file written later than this before it was read may since have been
/// written again within the same tick, with the same stamp: it is read again.
const TICK_NS: i64 = 2_000_000_000;

/// The files of a source tree with their stamps and digests, in a file of the state folder.
///
/// It only saves work: one that is missing, damaged or old is as good as none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    pub(super) started_ns: i64,
    pub(super) snapshot: Digest,
    pub(super) environment: Vec<u8>,
    /// What the listing depends on; empty: git has to list the files again.
    pub(super) witnesses: Vec<Witness>,
    /// What isn't a file.
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
    /// Returns the index of a tree of which there is a snapshot.
    pub(super) fn of(tree: &Tree, witnesses: Vec<Witness>) -> Self {
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
            environment: witness::environment(),
            witnesses,
            others,
            files,
        }
    }

    /// Returns the name of the copy that was made along with the index.
    #[must_use]
    pub fn snapshot(&self) -> &Digest {
        &self.snapshot
    }

    /// Returns whether an index of the tree, if it replaced this one, would save no more work than this one.
    pub(super) fn describes(&self, tree: &Tree) -> bool {
        let stats = tree.entries().iter().filter_map(|entry| match entry.kind {
            EntryKind::File { stat, .. } => Some(stat),
            _ => None,
        });
        self.snapshot == *tree.copy_id()
            && (tree.recalled || self.witnesses.is_empty())
            && self.files.iter().map(|file| file.stat).eq(stats)
            && self.files.iter().all(|file| self.is_settled(&file.stat))
    }

    /// Returns the paths of the tree, sorted, if git would list the same ones now.
    pub(super) fn listing(&self) -> Option<Vec<&[u8]>> {
        let stands = |witness: &Witness| witness.stat.is_none_or(|stat| self.is_settled(&stat)) && witness.stands();
        if self.witnesses.is_empty()
            || self.environment != witness::environment()
            || !self.witnesses.par_iter().all(stands)
        {
            return None;
        }
        Some(self.paths())
    }

    /// Returns the paths of the tree that it was, sorted.
    pub(super) fn paths(&self) -> Vec<&[u8]> {
        let others = self.others.iter().map(Vec::as_slice);
        let mut paths: Vec<_> = self.files.iter().map(|file| file.path.as_slice()).chain(others).collect();
        paths.sort();
        paths
    }

    /// Returns whether the tree had something at a path that was no file.
    pub(super) fn is_other(&self, path: &[u8]) -> bool {
        self.others.binary_search_by(|other| other.as_slice().cmp(path)).is_ok()
    }

    /// Returns whether a file is in the snapshot, the same to the last byte and bit, and written at the same time.
    pub(super) fn holds(&self, path: &[u8], executable: bool, content: &[u8; 32], mtime_ns: i64) -> bool {
        let at = self.files.binary_search_by(|file| file.path.as_slice().cmp(path));
        at.map(|at| &self.files[at]).is_ok_and(|file| {
            file.executable == executable && file.content == *content && file.stat.mtime_ns == mtime_ns
        })
    }

    /// Returns the digests of those files, sorted by path, that are as they were.
    pub(super) fn contents(&self, found: &[Found]) -> Vec<Option<[u8; 32]>> {
        let mut files = self.files.iter().peekable();
        let content = |found: &Found| {
            while files.next_if(|file| file.path.as_slice().cmp(&found.path) == Ordering::Less).is_some() {}
            let file = files.next_if(|file| file.path == found.path)?;
            (file.stat == found.stat && self.is_settled(&file.stat)).then_some(file.content)
        };
        found.iter().map(content).collect()
    }

    fn is_settled(&self, stat: &FileStat) -> bool {
        stat.mtime_ns.max(stat.ctime_ns) < self.started_ns.saturating_sub(TICK_NS)
    }
}

#[cfg(test)]
mod tests {
    use super::{FileStat, Found, Index, IndexedFile, TICK_NS};
    use crate::id::Digest;
    use crate::snapshot::list::FoundKind;

    fn found(path: &[u8], stat: FileStat) -> Found {
        Found { path: path.to_vec(), kind: FoundKind::File { executable: false }, stat }
    }

    #[test]
    fn only_files_that_stand_still_are_known() {
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
        let known = index.contents(&names.map(|name| found(name, same)));
        assert_eq!(known, [None, Some([3; 32]), None, Some([3; 32])]);
        for other in [
            FileStat { inode: 0, ..same },
            FileStat { len: 0, ..same },
            FileStat { mtime_ns: 0, ..same },
            FileStat { ctime_ns: 0, ..same },
        ] {
            assert_eq!(index.contents(&[found(b"a", other)]), [None]);
        }
        let early = Index { started_ns: 10 + TICK_NS, ..index };
        assert_eq!(early.contents(&[found(b"a", same)]), [None]);
    }
}
