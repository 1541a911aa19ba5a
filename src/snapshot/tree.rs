//! A source tree as a value, with the digest that names it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::file_stat::FileStat;
use crate::id::Digest;

/// The content of a source tree.
#[derive(Clone, Debug)]
pub struct Tree {
    root: PathBuf,
    entries: Vec<Entry>,
    skipped: Vec<PathBuf>,
    started_ns: i64,
    digest: Digest,
    copy_id: Digest,
    /// Paths of the entries that git ignores, sorted.
    pub(super) included: Vec<Vec<u8>>,
    /// Globs that left out no file.
    pub(super) unmatched_excludes: Vec<String>,
    /// True if the paths come from the index.
    pub(super) listed_from_index: bool,
}

/// A file, a link or an empty folder of a source tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Path relative to the tree, as the bytes of the file system.
    pub path: Vec<u8>,
    /// Type and content.
    pub kind: EntryKind,
}

/// Type and content of an [`Entry`]. Folders with content are no entries of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A file.
    File {
        /// True if the owner may execute the file.
        executable: bool,
        /// SHA-256 of the content.
        content: [u8; 32],
        /// Metadata at the time of reading.
        stat: FileStat,
    },
    /// A symbolic link to any target.
    Symlink {
        /// Target of the link, as it is stored.
        target: Vec<u8>,
    },
    /// A folder without content.
    EmptyFolder,
}

impl Entry {
    /// Returns the path relative to the tree.
    #[must_use]
    pub fn path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.path))
    }

    /// Appends the bytes by which the digest of a tree covers the entry.
    pub(super) fn append_frame(&self, frame: &mut Vec<u8>) {
        let (kind, payload) = match &self.kind {
            EntryKind::File { executable: false, content, .. } => (b'f', content.as_slice()),
            EntryKind::File { executable: true, content, .. } => (b'x', content.as_slice()),
            EntryKind::Symlink { target } => (b'l', target.as_slice()),
            EntryKind::EmptyFolder => (b'd', [].as_slice()),
        };
        frame.push(kind);
        for part in [self.path.as_slice(), payload] {
            frame.extend_from_slice(&(part.len() as u64).to_le_bytes());
            frame.extend_from_slice(part);
        }
    }
}

impl Tree {
    /// Makes a tree of entries in any order. Each path may occur once.
    #[must_use]
    pub fn new(root: PathBuf, mut entries: Vec<Entry>, skipped: Vec<PathBuf>, started_ns: i64) -> Self {
        entries.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        let digest = digest(&entries);
        let copy_id = copy_id(&digest, &entries);
        let (included, unmatched_excludes, listed_from_index) = (Vec::new(), Vec::new(), false);
        Self { root, entries, skipped, started_ns, digest, copy_id, included, unmatched_excludes, listed_from_index }
    }

    /// Returns the path of the tree.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the entries, sorted by path.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Returns the paths of the sockets, pipes and devices, which are left out.
    #[must_use]
    pub fn skipped(&self) -> &[PathBuf] {
        &self.skipped
    }

    /// Returns the paths that come along although git ignores them, sorted.
    pub fn included(&self) -> impl Iterator<Item = &Path> {
        self.included.iter().map(|path| Path::new(OsStr::from_bytes(path)))
    }

    /// Returns the globs for files to leave out that matched none.
    #[must_use]
    pub fn unmatched_excludes(&self) -> &[String] {
        &self.unmatched_excludes
    }

    /// Returns the time when reading began, in nanoseconds since 1970.
    #[must_use]
    pub fn started_ns(&self) -> i64 {
        self.started_ns
    }

    /// Returns the name of the tree: the digest of all paths, kinds, executable bits, contents and link targets.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Returns the name of the tree's snapshot: the digest of the tree and of its files' times. Programs such as `make` and
    /// cargo compare times, so trees with the same content and different times have different snapshots.
    #[must_use]
    pub fn copy_id(&self) -> &Digest {
        &self.copy_id
    }
}

/// Digests the content of a tree and the times of its files.
fn copy_id(digest: &Digest, entries: &[Entry]) -> Digest {
    let mut hasher = Sha256::new_with_prefix(b"pikaci copy 1\n");
    hasher.update(digest.as_str());
    for entry in entries {
        if let EntryKind::File { stat, .. } = &entry.kind {
            hasher.update(stat.mtime_ns.to_le_bytes());
        }
    }
    Digest::from_hasher(hasher)
}

/// Digests the entries. Each part is preceded by its length, so that different trees never give the same bytes.
fn digest(entries: &[Entry]) -> Digest {
    let mut hasher = tree_hasher();
    let mut frame = Vec::new();
    for entry in entries {
        frame.clear();
        entry.append_frame(&mut frame);
        hasher.update(&frame);
    }
    Digest::from_hasher(hasher)
}

/// Returns the hasher of a tree before its first entry.
pub(super) fn tree_hasher() -> Sha256 {
    Sha256::new_with_prefix(b"pikaci snapshot 1\n")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::{Entry, EntryKind, FileStat, Tree};

    fn kind() -> impl Strategy<Value = EntryKind> {
        let file = |(executable, byte, inode)| EntryKind::File {
            executable,
            content: [byte; 32],
            stat: FileStat { inode, ..FileStat::default() },
        };
        prop_oneof![
            (any::<bool>(), 0u8..3, Just(0)).prop_map(file),
            proptest::collection::vec(0u8..3, 0..4).prop_map(|target| EntryKind::Symlink { target }),
            Just(EntryKind::EmptyFolder),
        ]
    }

    fn tree() -> impl Strategy<Value = BTreeMap<Vec<u8>, EntryKind>> {
        proptest::collection::btree_map(proptest::collection::vec(0u8..3, 1..4), kind(), 0..4)
    }

    fn tree_of(entries: impl IntoIterator<Item = (Vec<u8>, EntryKind)>) -> Tree {
        let entries = entries.into_iter().map(|(path, kind)| Entry { path, kind }).collect();
        Tree::new("/".into(), entries, Vec::new(), 0)
    }

    proptest! {
        #[test]
        fn trees_have_the_same_digest_only_if_they_have_the_same_entries(one in tree(), two in tree()) {
            let (forward, backward) = (tree_of(one.clone()), tree_of(one.clone().into_iter().rev()));
            prop_assert_eq!(forward.digest(), backward.digest());
            prop_assert_eq!(one == two, forward.digest() == tree_of(two).digest());
        }
    }

    #[test]
    fn bytes_that_move_between_parts_change_the_digest() {
        let link = |path: &str, target: &str| (path.into(), EntryKind::Symlink { target: target.into() });
        let trees = [
            tree_of([link("a", "bc")]),
            tree_of([link("ab", "c")]),
            tree_of([link("a", "b"), link("c", "")]),
            tree_of([link("a", ""), link("b", "c")]),
            tree_of([]),
        ];
        for (at, one) in trees.iter().enumerate() {
            for two in &trees[..at] {
                assert_ne!(one.digest(), two.digest());
            }
        }
    }

    #[test]
    fn the_time_of_a_file_changes_only_the_copy_id() {
        let file = |stat| [(b"a".to_vec(), EntryKind::File { executable: false, content: [0; 32], stat })];
        let later = FileStat { mtime_ns: 1, ..FileStat::default() };
        let (before, after) = (tree_of(file(FileStat::default())), tree_of(file(later)));
        assert_eq!(before.digest(), after.digest());
        assert_ne!(before.copy_id(), after.copy_id());
    }
}
