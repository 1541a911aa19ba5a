//! The files in which two trees differ.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::tree::{Entry, Tree};
use crate::glob::Globs;

/// Returns the files that only one of two trees has, or that differ, among those that globs match; without globs among
/// all files.
#[must_use]
pub fn different_files(before: &Tree, after: &Tree, globs: Option<&Globs>) -> Vec<PathBuf> {
    let frames = |tree: &Tree| -> BTreeMap<PathBuf, Vec<u8>> {
        let is_covered = |entry: &&Entry| globs.is_none_or(|globs| globs.is_match(entry.path()));
        let frame = |entry: &Entry| {
            let mut frame = Vec::new();
            entry.append_frame(&mut frame);
            (entry.path().to_owned(), frame)
        };
        tree.entries().iter().filter(is_covered).map(frame).collect()
    };
    let (before, after) = (frames(before), frames(after));
    let mut different: Vec<PathBuf> =
        after.iter().filter(|(path, frame)| before.get(*path) != Some(frame)).map(|(path, _)| path.clone()).collect();
    different.extend(before.into_keys().filter(|path| !after.contains_key(path)));
    different.sort();
    different
}
