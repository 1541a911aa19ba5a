//! Tests of the forms that a checkout can have.

use std::fs;
use std::process::Command;

use super::fixture::{Fixture, assert_same};

#[test]
fn ignore_rules_of_every_origin_apply() {
    let tree = Fixture::repository();
    tree.write(".gitignore", "*.o\n!kept.o\n/top\n");
    tree.write("sub/.gitignore", "!b.o\n/only\n");
    tree.write(".git/info/exclude", "private\n");
    tree.write("../rules", "*.swp\n");
    tree.git("", &["config", "core.excludesFile", "../rules"]);
    for path in ["a.o", "kept.o", "top", "sub/top", "sub/b.o", "sub/only", "only", "private", "sub/private", "x.swp"] {
        tree.write(path, "");
    }
    assert_eq!(tree.paths(), [".gitignore", "kept.o", "only", "sub/.gitignore", "sub/b.o", "sub/top"]);
    tree.commit("");
    assert_eq!(tree.paths().len(), 6);
}

#[test]
fn a_sparse_checkout_and_a_worktree_have_the_files_that_are_there() {
    let tree = Fixture::repository();
    for path in ["a", "in/b", "out/c", "out/deep/d"] {
        tree.write(path, path);
    }
    tree.commit("");
    tree.git("", &["worktree", "add", "-q", "../other", "-b", "other"]);
    tree.git("", &["sparse-checkout", "set", "in"]);
    assert_eq!(tree.paths(), ["a", "in/b"]);
    // A file that git would remove at the next checkout is there now.
    tree.write("out/c", "changed");
    assert_eq!(tree.paths(), ["a", "in/b", "out/c"]);
    let mut other = tree;
    other.root = other.root.parent().unwrap().join("other");
    assert_eq!(other.paths(), ["a", "in/b", "out/c", "out/deep/d"]);
}

#[test]
fn pointers_of_large_files_stay_as_they_are() {
    let tree = Fixture::repository();
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n";
    tree.write(".gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n");
    tree.write("a.bin", pointer);
    // A filter that the repository names would run on the file.
    tree.git("", &["config", "filter.lfs.process", "touch ../marker"]);
    tree.git("", &["config", "filter.lfs.smudge", "touch ../marker"]);
    let taken = tree.take();
    assert_same(&taken, &tree.copy(&taken));
    assert_eq!(fs::read_to_string(tree.copy(&taken).join("a.bin")).unwrap(), pointer);
    assert!(!tree.root.join("../marker").exists());
}

#[test]
fn pipes_and_devices_are_named() {
    let tree = Fixture::new();
    tree.write("a", "");
    let made = Command::new("mkfifo").arg(tree.root.join("pipe")).status().unwrap();
    assert!(made.success());
    let mut expected = vec!["pipe"];
    // Only root may make a device, and a build of Nix hasn't got the program.
    let device = Command::new("mknod").arg(tree.root.join("null")).args(["c", "1", "3"]).output();
    if device.is_ok_and(|made| made.status.success()) {
        expected.insert(0, "null");
    }
    let skipped = tree.take();
    let skipped: Vec<&str> = skipped.skipped().iter().map(|path| path.to_str().unwrap()).collect();
    assert_eq!(skipped, expected);
}
