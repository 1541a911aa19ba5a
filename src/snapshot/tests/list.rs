//! Tests of the listing of a source tree.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::UnixListener;

use super::fixture::{Fixture, assert_same};
use crate::config::SnapshotGlobs;
use crate::snapshot::scan::scan;
use crate::snapshot::{Error, Tree, take};
use crate::state;

#[test]
fn tracked_and_untracked_files_are_listed_but_not_ignored_ones() {
    let tree = Fixture::repository();
    tree.write(".gitignore", "*.o\n/build\n");
    tree.write("a.c", "");
    tree.write("forced.o", "");
    tree.git("", &["add", "-f", "forced.o", "a.c", ".gitignore"]);
    tree.commit("");
    tree.write("b.c", "");
    tree.write("b.o", "");
    tree.write("build/out", "");
    tree.write("sub/build/in", "");
    assert_eq!(tree.paths(), [".gitignore", "a.c", "b.c", "forced.o", "sub/build/in"]);
    tree.remove("a.c");
    assert_eq!(tree.paths(), [".gitignore", "b.c", "forced.o", "sub/build/in"]);
}

#[test]
fn outside_git_everything_but_the_state_folder_is_listed() {
    let tree = Fixture::new();
    tree.write(".gitignore", "*.o\n");
    tree.write("a.o", "");
    tree.write("deep/b", "");
    tree.folder("deep/empty");
    tree.write(".pikaci/x", "");
    assert_eq!(tree.paths(), [".gitignore", "a.o", "deep/b", "deep/empty"]);
    let inside = state::open(&tree.root.join("my state")).unwrap();
    let taken = take(&tree.root, &inside, &SnapshotGlobs::default()).unwrap();
    assert_eq!(taken.digest(), tree_without(&tree, "my state").digest());
    assert_eq!(take(&tree.root, &inside, &SnapshotGlobs::default()).unwrap().digest(), taken.digest());
}

fn tree_without(tree: &Fixture, state: &str) -> Tree {
    scan(&tree.root, &tree.root.join(state), None, None).unwrap()
}

#[test]
fn a_tracked_state_folder_is_left_out() {
    let tree = Fixture::repository();
    tree.write("a", "");
    tree.write("state/flakes/x", "");
    tree.write("state2", "");
    tree.commit("");
    let paths = tree_without(&tree, "state");
    let paths: Vec<_> = paths.entries().iter().map(|entry| entry.path.as_slice()).collect();
    assert_eq!(paths, [b"a".as_slice(), b"state2"]);
}

#[test]
fn a_subfolder_of_a_repository_is_listed_even_when_ignored() {
    let tree = Fixture::repository();
    tree.write(".gitignore", "ignored/\n*.o\n");
    tree.write("part/a.c", "");
    tree.write("part/a.o", "");
    tree.write("ignored/x.o", "");
    tree.commit("");
    for (part, expected) in [("part", "a.c"), ("ignored", "x.o")] {
        let part_tree = scan(&tree.root.join(part), tree.layout.root(), None, None).unwrap();
        let paths: Vec<_> = part_tree.entries().iter().map(|entry| entry.path().to_str().unwrap()).collect();
        assert_eq!(paths, [expected]);
    }
}

#[test]
fn files_of_submodules_and_nested_repositories_are_listed() {
    let tree = Fixture::with_submodule("lib.c");
    tree.write("lib/new.c", "");
    tree.init("own");
    tree.write("own/.gitignore", "*.o");
    tree.write("own/x.o", "");
    tree.write("own/x.c", "");
    tree.commit("own");
    assert_eq!(tree.paths(), [".gitmodules", "lib/lib.c", "lib/new.c", "own/.gitignore", "own/x.c"]);
    tree.git("", &["submodule", "-q", "deinit", "-f", "lib"]);
    assert_eq!(tree.paths(), [".gitmodules", "lib", "own/.gitignore", "own/x.c"]);
}

#[test]
fn all_files_of_a_submodule_without_its_repository_are_listed() {
    let tree = Fixture::with_submodule("deep/lib.c");
    for left in [None, Some("gitdir: ../.git/modules/gone\n")] {
        tree.remove("lib/.git");
        if let Some(text) = left {
            tree.write("lib/.git", text);
        }
        assert_eq!(tree.paths(), [".gitmodules", "lib/deep/lib.c"]);
        tree.write("lib/.git", "");
    }
}

#[test]
fn empty_folders_are_listed_unless_git_ignores_them() {
    let tree = Fixture::repository();
    tree.write(".gitignore", "build/\n*.tmp\n");
    tree.write("src/a.c", "");
    tree.commit("");
    for folder in ["logs", "src/empty/deep", "build/empty", "x.tmp", "new/empty", ".svn/pristine"] {
        tree.folder(folder);
    }
    tree.write("new/file", "");
    tree.write("logs/ignored.tmp", "");
    tree.write("cache/.gitignore", "*\n");
    assert_eq!(tree.paths(), [".gitignore", "new/empty", "new/file", "src/a.c", "src/empty/deep"]);
    tree.remove("logs/ignored.tmp");
    let all = [".gitignore", "logs", "new/empty", "new/file", "src/a.c", "src/empty/deep"];
    assert_eq!(tree.paths(), all);
    // The listing from the index has the same empty folders.
    for _ in 0..2 {
        let taken = tree.take();
        assert_same(&taken, &tree.copy(&taken));
        assert_eq!(tree.paths(), all);
    }
    tree.write("logs/file", "");
    assert!(tree.paths().contains(&"logs/file".to_owned()));
}

#[test]
fn a_dot_git_without_a_repository_is_ignored() {
    for text in ["gitdir: /nowhere/.git/worktrees/x\n", "gitdir: ../gone", "nonsense"] {
        let tree = Fixture::new();
        tree.write(".git", text);
        tree.write("a", "");
        assert_eq!(tree.paths(), ["a"], "{text}");
    }
    let tree = Fixture::repository();
    tree.write("part/a", "");
    tree.write(".gitignore", "*.o\n");
    tree.folder("part/.git");
    tree.write("part/b.o", "");
    let part_tree = scan(&tree.root.join("part"), tree.layout.root(), None, None).unwrap();
    let paths: Vec<_> = part_tree.entries().iter().map(|entry| entry.path().to_str().unwrap()).collect();
    assert_eq!(paths, ["a"], "git goes on to the folder above an empty .git");
}

#[test]
fn folders_of_other_version_control_systems_are_left_out() {
    for tree in [Fixture::new(), Fixture::repository()] {
        for file in [".jj/repo/store", ".hg/store/x", "sub/.svn/wc.db", "a", "sub/b"] {
            tree.write(file, "");
        }
        assert_eq!(tree.paths(), ["a", "sub/b"]);
    }
    let tree = Fixture::new();
    tree.folder(".jj/repo");
    tree.write(".gitignore", "/target/\n*.o\n!kept.o\n");
    tree.write("sub/.gitignore", "/local\n!b.o\n");
    for file in ["target/x", "sub/target/x", "a.o", "kept.o", "local", "sub/local", "sub/b.o", "sub/c.o"] {
        tree.write(file, "");
    }
    let expected = [".gitignore", "kept.o", "local", "sub/.gitignore", "sub/b.o", "sub/target/x"];
    assert_eq!(tree.paths(), expected);
}

#[test]
fn links_are_never_followed() {
    let tree = Fixture::repository();
    tree.write("folder/a", "");
    tree.write("other/a", "");
    tree.commit("");
    fs::remove_dir_all(tree.root.join("folder")).unwrap();
    tree.link("other", "folder");
    tree.link("/etc/passwd", "absolute");
    tree.link("nowhere", "dangling");
    tree.link(".", "loop");
    assert_eq!(tree.paths(), ["absolute", "dangling", "folder", "loop", "other/a"]);
    let taken = tree.take();
    assert_same(&taken, &tree.copy(&taken));
}

#[test]
fn names_may_hold_any_bytes() {
    for tree in [Fixture::new(), Fixture::repository()] {
        for name in [b"\xff\xfe".as_slice(), b"line\nbreak", b" space ", b"-rf", b"\"quoted\"", b"\xc3\xa4"] {
            fs::write(tree.root.join(OsStr::from_bytes(name)), name).unwrap();
        }
        let taken = tree.take();
        assert_eq!(taken.entries().len(), 6);
        assert_same(&taken, &tree.copy(&taken));
    }
}

#[test]
fn sockets_are_left_out_and_reported() {
    let tree = Fixture::new();
    tree.write("a", "");
    let _socket = UnixListener::bind(tree.root.join("socket")).unwrap();
    let taken = tree.take();
    assert_eq!(taken.entries().len(), 1);
    assert_eq!(taken.skipped(), [std::path::PathBuf::from("socket")]);
}

#[test]
fn a_tree_that_is_missing_or_broken_is_an_error() {
    let tree = Fixture::new();
    let error = take(&tree.root.join("none"), &tree.layout, &tree.globs).unwrap_err();
    assert!(matches!(error, Error::Read { .. }), "{error}");
}
