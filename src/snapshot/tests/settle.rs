//! What an index may be believed.

use std::fs;
use std::process::Command;
use std::time::Duration;

use super::Fixture;
use crate::snapshot::{Index, Tree};

/// Takes a snapshot and remembers it as if that had been later: what was written before counts as settled.
fn take_later(tree: &Fixture) -> Tree {
    let taken = tree.take();
    let path = tree.layout.snapshot_index(&tree.root);
    let mut index = Index::load(&path).unwrap();
    index.started_ns += 3_000_000_000;
    index.save(&path).unwrap();
    // The kernel's clock for stamps has to move on, or what is written next looks settled too.
    std::thread::sleep(Duration::from_millis(30));
    taken
}

fn index(tree: &Fixture) -> Vec<u8> {
    fs::read(tree.layout.snapshot_index(&tree.root)).unwrap()
}

/// Writes a file as it was, stamps of the content included.
fn rewrite_unnoticed(tree: &Fixture, path: &str, text: &str) {
    let path = tree.root.join(path);
    let before = fs::metadata(&path).unwrap();
    assert_eq!(before.len(), text.len() as u64);
    fs::write(&path, text).unwrap();
    fs::File::open(&path).unwrap().set_modified(before.modified().unwrap()).unwrap();
}

#[test]
fn an_unchanged_tree_is_recalled_and_nothing_is_written() {
    let tree = Fixture::repository();
    tree.write(".gitignore", "ignored/\n*.o\n");
    tree.write("sub/a", "a");
    tree.write("ignored/deep/x", "");
    tree.link("a", "sub/link");
    tree.folder("empty/deep");
    tree.commit("");
    let first = take_later(&tree);
    assert!(!first.recalled);
    let before = index(&tree);
    let second = tree.take();
    assert!(second.recalled);
    assert_eq!(first.digest(), second.digest());
    assert_eq!(first.entries(), second.entries());
    assert_eq!(before, index(&tree));

    let base = first.entries().len();
    tree.write("ignored/deep/y", "");
    assert!(tree.peek().recalled);
    tree.write("sub/a", "b");
    let changed = tree.peek();
    assert!(changed.recalled);
    assert_ne!(changed.digest(), first.digest());
    // Each of these changes what git lists, and each is seen although none touches a file of the tree.
    tree.write("empty/deep/new", "");
    tree.write("empty/deep/too", "");
    assert_eq!(tree.peek().entries().len(), base + 1);
    tree.take();
    tree.write(".git/info/exclude", "new\n");
    assert_eq!(tree.peek().entries().len(), base);
}

#[test]
fn settings_of_git_are_witnesses() {
    let tree = Fixture::repository();
    tree.write("../rules", "");
    tree.write("a.log", "");
    tree.write("b", "");
    tree.write("sub/.gitignore", "*\n");
    tree.write("sub/hidden", "");
    tree.git("", &["config", "core.excludesFile", "../rules"]);
    take_later(&tree);
    assert!(tree.peek().recalled);
    tree.write("../rules", "*.log\n");
    assert_eq!(tree.paths(), ["b"]);
    take_later(&tree);
    assert!(tree.peek().recalled);
    tree.git("", &["config", "core.excludesFile", "/dev/null"]);
    assert_eq!(tree.paths(), ["a.log", "b"]);
    take_later(&tree);
    assert!(tree.peek().recalled);
    tree.write("sub/.gitignore", "");
    assert_eq!(tree.paths(), ["a.log", "b", "sub/.gitignore", "sub/hidden"]);
    take_later(&tree);
    tree.git("", &["add", "-A"]);
    tree.remove("b");
    assert_eq!(tree.paths(), ["a.log", "sub/.gitignore", "sub/hidden"]);
}

#[test]
fn folders_without_listed_files_are_witnesses() {
    let tree = Fixture::repository();
    tree.write(".gitignore", "*.o\nout/\n");
    for path in ["objects/a.o", "objects/deep/er/b.o", ":(top)/c.o", "out/c.o", "out/deep/d.c", "sub/out/e.c"] {
        tree.write(path, "");
    }
    let taken = take_later(&tree);
    assert!(tree.peek().recalled);
    for path in ["out/new", "out/deep/new", "sub/out/new"] {
        tree.write(path, "");
        let found = tree.peek();
        assert!(found.recalled && found.digest() == taken.digest(), "{path}");
    }
    for (at, path) in ["objects/new.c", "objects/deep/er/new.c", "sub/new.c"].into_iter().enumerate() {
        tree.write(path, "");
        assert_eq!(tree.paths().len(), at + 2, "{path}");
        take_later(&tree);
        assert!(tree.peek().recalled);
    }
}

#[test]
fn a_part_of_a_repository_and_a_worktree_are_recalled_too() {
    let mut tree = Fixture::repository();
    tree.write("part/a.c", "");
    tree.commit("");
    tree.git("", &["worktree", "add", "-q", "../linked"]);
    for root in ["part", "../linked"] {
        let whole = tree.root.clone();
        tree.root = tree.root.join(root).canonicalize().unwrap();
        take_later(&tree);
        assert!(tree.peek().recalled, "{root}");
        tree.root = whole;
        tree.write(".gitignore", "*.c\n");
    }
    tree.root = tree.root.join("part");
    tree.git("", &["rm", "-q", "--cached", "a.c"]);
    tree.write("b", "");
    assert_eq!(tree.paths(), ["b"]);
}

#[test]
fn a_repository_inside_is_listed_every_time() {
    let tree = Fixture::repository();
    tree.write("a", "");
    tree.init("own");
    tree.write("own/x", "");
    tree.commit("own");
    take_later(&tree);
    assert!(!tree.peek().recalled);
    let before = index(&tree);
    tree.take();
    assert_eq!(before, index(&tree));
}

#[test]
fn a_file_rewritten_within_a_tick_is_read_again() {
    let tree = Fixture::new();
    tree.write("a", "one");
    let first = tree.take();
    rewrite_unnoticed(&tree, "a", "two");
    assert_ne!(tree.peek().digest(), first.digest());
    let second = take_later(&tree);
    rewrite_unnoticed(&tree, "a", "six");
    assert_ne!(tree.peek().digest(), second.digest());
}

#[test]
fn a_damaged_index_costs_only_time() {
    let tree = Fixture::new();
    tree.write("a", "one");
    let first = tree.take();
    let path = tree.layout.snapshot_index(&tree.root);
    for damage in [&b""[..], b"rubbish", &index(&tree)[..40]] {
        fs::write(&path, damage).unwrap();
        assert_eq!(tree.peek().digest(), first.digest());
        assert_eq!(tree.take().digest(), first.digest());
        assert!(Index::load(&path).is_some());
    }
}

#[test]
fn peeking_writes_nothing() {
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
    tree.peek();
    super::super::head(&tree.root).unwrap();
    super::super::changed_files(&tree.root, Some("main")).unwrap();
    assert_eq!(before, list());
}
