//! A source tree as a value, and the digest that names it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::id::Digest;

/// What a source tree holds.
#[derive(Clone, Debug)]
pub struct Tree {
    root: PathBuf,
    entries: Vec<Entry>,
    skipped: Vec<PathBuf>,
    started_ns: i64,
    digest: Digest,
    copy_id: Digest,
    /// Whether the index knew which files there are.
    pub(super) recalled: bool,
}

/// Something in a source tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where it is, relative to the tree, as the bytes that the file system has.
    pub path: Vec<u8>,
    /// What it is.
    pub kind: EntryKind,
}

/// What an entry of a source tree is; folders are there by what they hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A file.
    File {
        /// Whether its owner may execute it.
        executable: bool,
        /// The SHA-256 of its content.
        content: [u8; 32],
        /// How it was when it was read.
        stat: FileStat,
    },
    /// A symbolic link, wherever it points.
    Symlink {
        /// Where it points.
        target: Vec<u8>,
    },
    /// A folder that holds nothing.
    EmptyFolder,
}

/// What changes whenever a file changes. The device is left out: some file systems get another number at every boot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileStat {
    /// The inode.
    pub inode: u64,
    /// The length in bytes.
    pub len: u64,
    /// When the content was written, in nanoseconds since 1970.
    pub mtime_ns: i64,
    /// When content or attributes were written, in nanoseconds since 1970.
    pub ctime_ns: i64,
}

impl Entry {
    /// Returns the path relative to the tree.
    #[must_use]
    pub fn path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.path))
    }
}

impl Tree {
    /// Returns the tree of some entries, in whatever order they come, of which no two have the same path.
    #[must_use]
    pub fn new(root: PathBuf, mut entries: Vec<Entry>, skipped: Vec<PathBuf>, started_ns: i64) -> Self {
        entries.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        let digest = digest(&entries);
        let copy_id = copy_id(&digest, &entries);
        Self { root, entries, skipped, started_ns, digest, copy_id, recalled: false }
    }

    /// Returns where the tree is.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns what the tree holds, sorted by path.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Returns the sockets, pipes and devices that are left out.
    #[must_use]
    pub fn skipped(&self) -> &[PathBuf] {
        &self.skipped
    }

    /// Returns when reading began, in nanoseconds since 1970.
    #[must_use]
    pub fn started_ns(&self) -> i64 {
        self.started_ns
    }

    /// Returns the name of the tree: the digest of all paths, kinds, executable bits, contents and link targets.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Returns the name of its copy: the digest of what the tree holds and of when its files were written. Jobs go by times
    /// as `make` and cargo do, so trees of equal content with other times have copies of their own.
    #[must_use]
    pub fn copy_id(&self) -> &Digest {
        &self.copy_id
    }
}

/// Digests the content of a tree and when each file was written.
fn copy_id(digest: &Digest, entries: &[Entry]) -> Digest {
    let mut hasher = Sha256::new_with_prefix(b"pikaci copy 1\n");
    hasher.update(digest.as_str());
    for entry in entries {
        if let EntryKind::File { stat, .. } = &entry.kind {
            hasher.update(stat.mtime_ns.to_le_bytes());
        }
    }
    Digest::finish(hasher)
}

/// Frames every part by its length, so that no two trees give the same bytes.
fn digest(entries: &[Entry]) -> Digest {
    let mut hasher = Sha256::new_with_prefix(b"pikaci snapshot 1\n");
    let mut frame = Vec::new();
    for entry in entries {
        let (kind, payload) = match &entry.kind {
            EntryKind::File { executable: false, content, .. } => (b'f', content.as_slice()),
            EntryKind::File { executable: true, content, .. } => (b'x', content.as_slice()),
            EntryKind::Symlink { target } => (b'l', target.as_slice()),
            EntryKind::EmptyFolder => (b'd', [].as_slice()),
        };
        frame.clear();
        frame.push(kind);
        for part in [entry.path.as_slice(), payload] {
            frame.extend_from_slice(&(part.len() as u64).to_le_bytes());
            frame.extend_from_slice(part);
        }
        hasher.update(&frame);
    }
    Digest::finish(hasher)
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

    fn of(entries: impl IntoIterator<Item = (Vec<u8>, EntryKind)>) -> Tree {
        let entries = entries.into_iter().map(|(path, kind)| Entry { path, kind }).collect();
        Tree::new("/".into(), entries, Vec::new(), 0)
    }

    proptest! {
        #[test]
        fn the_digest_tells_trees_apart_and_ignores_order(one in tree(), two in tree()) {
            let (forward, backward) = (of(one.clone()), of(one.clone().into_iter().rev()));
            prop_assert_eq!(forward.digest(), backward.digest());
            prop_assert_eq!(one == two, forward.digest() == of(two).digest());
        }
    }

    #[test]
    fn parts_cannot_be_shifted_into_each_other() {
        let link = |path: &str, target: &str| (path.into(), EntryKind::Symlink { target: target.into() });
        let trees = [
            of([link("a", "bc")]),
            of([link("ab", "c")]),
            of([link("a", "b"), link("c", "")]),
            of([link("a", ""), link("b", "c")]),
            of([]),
        ];
        for (at, one) in trees.iter().enumerate() {
            for two in &trees[..at] {
                assert_ne!(one.digest(), two.digest());
            }
        }
    }

    #[test]
    fn when_a_file_was_written_is_no_part_of_the_digest() {
        let file = |stat| [(b"a".to_vec(), EntryKind::File { executable: false, content: [0; 32], stat })];
        let later = FileStat { mtime_ns: 1, ..FileStat::default() };
        let (before, after) = (of(file(FileStat::default())), of(file(later)));
        assert_eq!(before.digest(), after.digest());
        assert_ne!(before.copy_id(), after.copy_id());
    }
}
