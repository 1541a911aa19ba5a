//! Tests of a tree in which a folder is replaced while it is read.

use std::fs;

use super::fixture::Fixture;
use crate::snapshot::list::list;
use crate::snapshot::read_entries::{open_file, read_entries};

#[test]
fn a_folder_that_became_a_link_is_not_followed() {
    let outside = tempfile::tempdir().unwrap();
    fs::create_dir(outside.path().join("deep")).unwrap();
    for name in ["file", "deep/file", "link"] {
        fs::write(outside.path().join(name), "secret").unwrap();
    }
    let tree = Fixture::new();
    tree.write("folder/file", "inside");
    tree.write("folder/deep/file", "inside");
    tree.link("file", "folder/link");
    let listed = list(&tree.root, tree.layout.root(), None, None).unwrap().entries;
    assert_eq!(listed.len(), 3);
    // The folder is replaced between listing and reading.
    fs::rename(tree.root.join("folder"), tree.root.join("before")).unwrap();
    tree.link(outside.path().to_str().unwrap(), "folder");

    let root = fs::File::open(&tree.root).unwrap();
    for path in ["folder/file", "folder/deep/file"] {
        assert!(open_file(&root, path.as_bytes()).is_err(), "{path}");
    }
    for entry in listed {
        let path = String::from_utf8_lossy(&entry.path).into_owned();
        let read = read_entries(&root, vec![entry], vec![None]);
        let error = read.map(|entries| entries.len()).unwrap_err().to_string();
        assert!(error.starts_with("the source tree changed while it was read"), "{path}: {error}");
    }
}
