//! Digests of parts of a tree, by globs.

use std::collections::{BTreeMap, BTreeSet};

use sha2::Digest as _;

use super::tree::{Tree, tree_hasher};
use crate::glob::Globs;
use crate::id::Digest;

/// Returns the digest of the files that each list of globs matches. An empty list, or one of globs that are too large to
/// compile, counts as the whole tree.
#[must_use]
pub fn file_digests(tree: &Tree, lists: &BTreeSet<&[String]>) -> BTreeMap<Vec<String>, Digest> {
    let mut digests: BTreeMap<Vec<String>, Digest> =
        lists.iter().map(|list| (list.to_vec(), tree.digest().clone())).collect();
    let lists: Vec<&[String]> = lists.iter().copied().filter(|list| !list.is_empty()).collect();
    if lists.is_empty() {
        return digests;
    }
    let globs = lists.iter().enumerate().flat_map(|(list, globs)| globs.iter().map(move |glob| (list, glob.as_str())));
    let (list_of, globs): (Vec<usize>, Vec<&str>) = globs.unzip();
    let Ok(set) = Globs::new(globs) else { return digests };
    let mut hashers = vec![tree_hasher(); lists.len()];
    let mut frame = Vec::new();
    for entry in tree.entries() {
        frame.clear();
        entry.append_frame(&mut frame);
        let matched: BTreeSet<usize> = set.matching_indices(entry.path()).map(|glob| list_of[glob]).collect();
        for list in matched {
            hashers[list].update(&frame);
        }
    }
    digests.extend(lists.into_iter().zip(hashers).map(|(list, hasher)| (list.to_vec(), Digest::from_hasher(hasher))));
    digests
}

#[cfg(test)]
mod tests {
    use super::super::tree::{Entry, EntryKind, Tree};
    use super::file_digests;
    use crate::id::Digest;

    fn tree(files: &[(&str, u8)]) -> Tree {
        let entry = |(path, byte): &(&str, u8)| Entry {
            path: path.as_bytes().to_vec(),
            kind: EntryKind::Symlink { target: vec![*byte] },
        };
        Tree::new("/".into(), files.iter().map(entry).collect(), Vec::new(), 0)
    }

    #[test]
    fn a_digest_covers_the_matched_files_only() {
        let lists: [Vec<String>; 3] = [vec![], vec!["src".into()], vec!["src/*.c".into(), "Makefile".into()]];
        let digests = |files: &[(&str, u8)]| -> Vec<Digest> {
            let tree = tree(files);
            let digests = file_digests(&tree, &lists.iter().map(Vec::as_slice).collect());
            assert_eq!(digests[&lists[0]], *tree.digest());
            lists.iter().map(|list| digests[list].clone()).collect()
        };
        let base = digests(&[("Makefile", 0), ("doc", 0), ("src/a.c", 0), ("src/a.h", 0)]);
        for (files, changes) in [
            ([("Makefile", 0), ("doc", 1), ("src/a.c", 0), ("src/a.h", 0)], [true, false, false]),
            ([("Makefile", 1), ("doc", 0), ("src/a.c", 0), ("src/a.h", 0)], [true, false, true]),
            ([("Makefile", 0), ("doc", 0), ("src/a.c", 0), ("src/a.h", 1)], [true, true, false]),
            ([("Makefile", 0), ("doc", 0), ("src/b.c", 0), ("src/a.h", 0)], [true, true, true]),
        ] {
            let changed: Vec<bool> = digests(&files).iter().zip(&base).map(|(one, two)| one != two).collect();
            assert_eq!(changed, changes, "{files:?}");
        }
    }
}
