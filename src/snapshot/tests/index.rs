//! Tests of the validity of an index.

use std::fs;
use std::process::Command;
use std::time::Duration;

use super::fixture::Fixture;
use crate::snapshot::{Index, Tree, changed_files, head};

/// Takes a snapshot and dates its index 3 seconds later, so that all files count as settled.
fn take_later(tree: &Fixture) -> Tree {
    let taken = tree.take();
    let path = tree.layout.snapshot_index(&tree.root);
    let mut index = Index::load(&path).unwrap();
    index.started_ns += 3_000_000_000;
    index.save(&path).unwrap();
    // The kernel's clock for file times has to advance, or the next write would count as settled too.
    std::thread::sleep(Duration::from_millis(30));
    taken
}

fn index(tree: &Fixture) -> Vec<u8> {
    fs::read(tree.layout.snapshot_index(&tree.root)).unwrap()
}

/// Changes a file but not its length and its time.
fn rewrite_with_same_time(tree: &Fixture, path: &str, text: &str) {
    let path = tree.root.join(path);
    let before = fs::metadata(&path).unwrap();
    assert_eq!(before.len(), text.len() as u64);
    fs::write(&path, text).unwrap();
    fs::File::open(&path).unwrap().set_modified(before.modified().unwrap()).unwrap();
}

#[test]
fn an_unchanged_tree_is_listed_from_the_index_and_nothing_is_written() {
    let tree = Fixture::repository();
    tree.write(".gitignore", "ignored/\n*.o\n");
    tree.write("sub/a", "a");
    tree.write("ignored/deep/x", "");
    tree.link("a", "sub/link");
    tree.folder("empty/deep");
    tree.commit("");
    let first = take_later(&tree);
    assert!(!first.listed_from_index);
    let before = index(&tree);
    let second = tree.take();
    assert!(second.listed_from_index);
    assert_eq!(first.digest(), second.digest());
    assert_eq!(first.entries(), second.entries());
    assert_eq!(before, index(&tree));

    let base = first.entries().len();
    tree.write("ignored/deep/y", "");
    assert!(tree.read().listed_from_index);
    tree.write("sub/a", "b");
    let changed = tree.read();
    assert!(changed.listed_from_index);
    assert_ne!(changed.digest(), first.digest());
    // Each of these changes git's listing without changing a file of the tree.
    tree.write("empty/deep/new", "");
    tree.write("empty/deep/too", "");
    assert_eq!(tree.read().entries().len(), base + 1);
    tree.take();
    tree.write(".git/info/exclude", "new\n");
    assert_eq!(tree.read().entries().len(), base);
}

#[test]
fn a_change_of_git_s_settings_makes_the_index_invalid() {
    let tree = Fixture::repository();
    tree.write("../rules", "");
    tree.write("a.log", "");
    tree.write("b", "");
    tree.write("sub/.gitignore", "*\n");
    tree.write("sub/hidden", "");
    tree.git("", &["config", "core.excludesFile", "../rules"]);
    take_later(&tree);
    assert!(tree.read().listed_from_index);
    tree.write("../rules", "*.log\n");
    assert_eq!(tree.paths(), ["b"]);
    take_later(&tree);
    assert!(tree.read().listed_from_index);
    tree.git("", &["config", "core.excludesFile", "/dev/null"]);
    assert_eq!(tree.paths(), ["a.log", "b"]);
    take_later(&tree);
    assert!(tree.read().listed_from_index);
    tree.write("sub/.gitignore", "");
    assert_eq!(tree.paths(), ["a.log", "b", "sub/.gitignore", "sub/hidden"]);
    take_later(&tree);
    tree.git("", &["add", "-A"]);
    tree.remove("b");
    assert_eq!(tree.paths(), ["a.log", "sub/.gitignore", "sub/hidden"]);
}

#[test]
fn a_new_file_in_an_unignored_folder_makes_the_index_invalid() {
    let tree = Fixture::repository();
    tree.write(".gitignore", "*.o\nout/\n");
    for path in ["objects/a.o", "objects/deep/er/b.o", ":(top)/c.o", "out/c.o", "out/deep/d.c", "sub/out/e.c"] {
        tree.write(path, "");
    }
    let taken = take_later(&tree);
    assert!(tree.read().listed_from_index);
    for path in ["out/new", "out/deep/new", "sub/out/new"] {
        tree.write(path, "");
        let current = tree.read();
        assert!(current.listed_from_index && current.digest() == taken.digest(), "{path}");
    }
    for (at, path) in ["objects/new.c", "objects/deep/er/new.c", "sub/new.c"].into_iter().enumerate() {
        tree.write(path, "");
        assert_eq!(tree.paths().len(), at + 2, "{path}");
        take_later(&tree);
        assert!(tree.read().listed_from_index);
    }
}

#[test]
fn a_subfolder_of_a_repository_and_a_worktree_are_listed_from_the_index() {
    let mut tree = Fixture::repository();
    tree.write("part/a.c", "");
    tree.commit("");
    tree.git("", &["worktree", "add", "-q", "../linked"]);
    for root in ["part", "../linked"] {
        let whole = tree.root.clone();
        tree.root = tree.root.join(root).canonicalize().unwrap();
        take_later(&tree);
        assert!(tree.read().listed_from_index, "{root}");
        tree.root = whole;
        tree.write(".gitignore", "*.c\n");
    }
    tree.root = tree.root.join("part");
    tree.git("", &["rm", "-q", "--cached", "a.c"]);
    tree.write("b", "");
    assert_eq!(tree.paths(), ["b"]);
}

#[test]
fn a_tree_with_a_nested_repository_is_listed_by_git_every_time() {
    let tree = Fixture::repository();
    tree.write("a", "");
    tree.init("own");
    tree.write("own/x", "");
    tree.commit("own");
    take_later(&tree);
    assert!(!tree.read().listed_from_index);
    let before = index(&tree);
    tree.take();
    assert_eq!(before, index(&tree));
}

#[test]
fn a_file_rewritten_within_a_tick_is_read_again() {
    let tree = Fixture::new();
    tree.write("a", "one");
    let first = tree.take();
    rewrite_with_same_time(&tree, "a", "two");
    assert_ne!(tree.read().digest(), first.digest());
    let second = take_later(&tree);
    rewrite_with_same_time(&tree, "a", "six");
    assert_ne!(tree.read().digest(), second.digest());
}

#[test]
fn a_damaged_index_costs_only_time() {
    let tree = Fixture::new();
    tree.write("a", "one");
    let first = tree.take();
    let path = tree.layout.snapshot_index(&tree.root);
    for damage in [&b""[..], b"rubbish", &index(&tree)[..40]] {
        fs::write(&path, damage).unwrap();
        assert_eq!(tree.read().digest(), first.digest());
        assert_eq!(tree.take().digest(), first.digest());
        assert!(Index::load(&path).is_some());
    }
}

#[test]
fn reading_a_tree_writes_nothing() {
    let tree = Fixture::repository();
    tree.write("a", "one");
    tree.commit("");
    tree.write("b", "two");
    let list = || {
        let output =
            Command::new("find").arg(tree.root.parent().unwrap()).args(["-printf", "%p %T@ %C@ %s\n"]).output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    };
    let before = list();
    tree.read();
    head(&tree.root).unwrap();
    changed_files(&tree.root, Some("main")).unwrap();
    assert_eq!(before, list());
}
