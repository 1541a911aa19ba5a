//! The digests of source trees, compared with the vectors of the documentation.

use std::fs;

use pikaci::snapshot::{Entry, EntryKind, FileStat, Tree};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

/// The page with the vectors. It is read when the test runs: the checks of the flake compile the tests without it.
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/design/snapshots.md");

#[derive(Deserialize)]
struct Vector {
    entries: Vec<VectorEntry>,
    digest: String,
}

#[derive(Deserialize)]
struct VectorEntry {
    kind: char,
    #[serde(default)]
    path: String,
    path_hex: Option<String>,
    #[serde(default)]
    content: String,
    #[serde(default)]
    target: String,
}

impl VectorEntry {
    fn entry(self) -> Entry {
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        let hex = |text: String| text.as_bytes().chunks(2).map(byte).collect();
        let file = |executable| EntryKind::File {
            executable,
            content: Sha256::digest(&self.content).into(),
            stat: FileStat::default(),
        };
        let kind = match self.kind {
            'f' => file(false),
            'x' => file(true),
            'l' => EntryKind::Symlink { target: self.target.into_bytes() },
            'd' => EntryKind::EmptyFolder,
            other => panic!("{other}"),
        };
        Entry { path: self.path_hex.map_or(self.path.into_bytes(), hex), kind }
    }
}

#[test]
fn documented_digests_are_those_of_the_code() {
    let page = fs::read_to_string(PAGE).unwrap();
    let json = page.split("```json").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let vectors: Vec<Vector> = serde_json::from_str(json).unwrap();
    assert!(vectors.len() > 5, "{} vectors", vectors.len());
    for (at, Vector { entries, digest }) in vectors.into_iter().enumerate() {
        let entries = entries.into_iter().map(VectorEntry::entry).collect();
        assert_eq!(Tree::new("/".into(), entries, Vec::new(), 0).digest().as_str(), digest, "vector {at}");
    }
}
