//! Tests of the copies in the state folder.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use super::fixture::{Fixture, assert_same};
use crate::snapshot::store::store;
use crate::snapshot::{Error, Index, Tree, take};

#[test]
fn a_copy_has_the_content_of_the_tree() {
    let tree = Fixture::new();
    tree.write("a", "text");
    tree.write("deep/er/b", &"long".repeat(200_000));
    tree.write("run.sh", "#!/bin/sh\n");
    tree.make_executable("run.sh");
    tree.link("../a", "deep/link");
    tree.folder("deep/empty/folder");
    fs::hard_link(tree.root.join("a"), tree.root.join("a2")).unwrap();
    let taken = tree.take();
    assert_eq!(taken.entries().len(), 6);
    let copy = tree.copy(&taken);
    assert_same(&taken, &copy);
    for folder in ["", "deep", "deep/er", "deep/empty/folder"] {
        assert_eq!(fs::metadata(copy.join(folder)).unwrap().mode() & 0o7777, 0o755);
    }
}

#[test]
fn an_equal_tree_is_not_copied_again() {
    let tree = Fixture::new();
    tree.write("a", "text");
    let first = tree.take();
    let before = fs::metadata(tree.copy(&first)).unwrap();
    let written = tree.mtime("a");
    tree.remove("a");
    tree.write("a", "text");
    tree.set_mtime("a", written);
    let second = tree.take();
    assert_eq!(first.digest(), second.digest());
    let after = fs::metadata(tree.copy(&second)).unwrap();
    assert_eq!((before.ino(), before.ctime_nsec()), (after.ino(), after.ctime_nsec()));
    assert_eq!(tree.snapshots().len(), 1);
}

#[test]
fn files_keep_their_times_and_trees_of_other_times_have_other_copies() {
    let tree = Fixture::new();
    let time = |path: &Path| fs::metadata(path).unwrap().modified().unwrap();
    let set = |name, seconds, nanos| tree.set_mtime(name, UNIX_EPOCH + Duration::new(seconds, nanos));
    for name in ["generated", "source", "same"] {
        tree.write(name, name);
        set(name, 1_700_000_000, 123_456_789);
    }
    let first = tree.take();
    set("generated", 1_700_000_001, 5);
    let second = tree.take();
    assert_eq!(first.digest(), second.digest());
    let (before, after) = (tree.copy(&first), tree.copy(&second));
    for name in ["generated", "source", "same"] {
        assert_eq!(time(&after.join(name)), time(&tree.root.join(name)), "{name}");
    }
    assert!(time(&before.join("generated")) < time(&after.join("generated")));
    let inode = |copy: &Path, name: &str| fs::metadata(copy.join(name)).unwrap().ino();
    assert_eq!(inode(&before, "same"), inode(&after, "same"));
    assert_ne!(inode(&before, "generated"), inode(&after, "generated"));
    // The first snapshot is unchanged, because a run may still use it.
    set("generated", 1_700_000_000, 123_456_789);
    assert_eq!(tree.copy(&tree.take()), before);
}

#[test]
fn different_trees_have_different_digests() {
    let tree = Fixture::new();
    tree.write("a", "text");
    let mut digests = vec![tree.take().digest().clone()];
    tree.write("a", "next");
    digests.push(tree.take().digest().clone());
    tree.make_executable("a");
    digests.push(tree.take().digest().clone());
    tree.folder("empty");
    digests.push(tree.take().digest().clone());
    tree.link("a", "b");
    digests.push(tree.take().digest().clone());
    tree.remove("b");
    tree.link("c", "b");
    digests.push(tree.take().digest().clone());
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), 6);
    assert_eq!(tree.snapshots().len(), 6);
}

#[test]
fn unchanged_files_are_shared_with_the_last_snapshot() {
    let tree = Fixture::new();
    tree.write("changes", "1");
    tree.write("stays/x", "x");
    tree.write("turns", "x");
    let first = tree.copy(&tree.take());
    tree.write("changes", "2");
    tree.make_executable("turns");
    let second = tree.take();
    let copy = tree.copy(&second);
    assert_same(&second, &copy);
    let inode = |root: &Path, path: &str| fs::metadata(root.join(path)).unwrap().ino();
    assert_eq!(inode(&first, "stays/x"), inode(&copy, "stays/x"));
    assert_ne!(inode(&first, "turns"), inode(&copy, "turns"));
    assert_eq!(fs::read_to_string(first.join("changes")).unwrap(), "1");
    assert_eq!(fs::metadata(first.join("turns")).unwrap().mode() & 0o777, 0o644);

    fs::remove_dir_all(&copy).unwrap();
    fs::remove_dir_all(&first).unwrap();
    assert_same(&tree.take(), &copy);
}

#[test]
fn a_modified_snapshot_is_replaced() {
    let tree = Fixture::new();
    tree.write("a", "text");
    tree.write("deep/b", "b");
    tree.write("gone/c", "c");
    tree.link("a", "link");
    let taken = tree.take();
    let copy = tree.copy(&taken);
    let inode = || fs::metadata(copy.join("deep/b")).unwrap().ino();
    let original = inode();
    assert_eq!((tree.take().digest(), inode()), (taken.digest(), original));
    let damages: [&dyn Fn(); 6] = [
        &|| fs::write(copy.join("a"), "next").unwrap(),
        &|| fs::write(copy.join("deep/new"), "").unwrap(),
        &|| fs::remove_file(copy.join("gone/c")).unwrap(),
        &|| fs::set_permissions(copy.join("a"), fs::Permissions::from_mode(0o755)).unwrap(),
        &|| fs::write(copy.join("new"), "").unwrap(),
        &|| fs::remove_dir_all(copy.join("gone")).unwrap(),
    ];
    for (at, damage) in damages.iter().enumerate() {
        damage();
        assert_eq!(tree.take().digest(), taken.digest(), "{at}");
        assert_same(&taken, &copy);
        assert_eq!(tree.snapshots().len(), 1, "{at}");
    }
}

#[test]
fn no_file_is_shared_with_a_modified_snapshot() {
    let tree = Fixture::new();
    tree.write("changes", "1");
    tree.write("stays", "x");
    let first = tree.copy(&tree.take());
    fs::write(first.join("stays"), "y").unwrap();
    tree.write("changes", "2");
    let written = tree.mtime("changes");
    let second = tree.take();
    assert_same(&second, &tree.copy(&second));
    // A file that two snapshots share is changed in both.
    tree.write("changes", "3");
    let third = tree.take();
    fs::write(tree.copy(&third).join("stays"), "z").unwrap();
    tree.write("changes", "2");
    tree.set_mtime("changes", written);
    assert_eq!(tree.take().copy_id(), second.copy_id());
    assert_same(&second, &tree.copy(&second));
}

#[test]
fn a_file_that_changed_since_it_was_read_is_not_copied() {
    let tree = Fixture::new();
    tree.write("a", "before");
    tree.write("b", "b");
    let stale = tree.read();
    tree.write("a", "after!");
    let error = store(&stale, &tree.layout, None).unwrap_err();
    assert!(matches!(&error, Error::Changing { path } if path == Path::new("a")), "{error}");
    tree.remove("a");
    assert!(matches!(store(&stale, &tree.layout, None), Err(Error::Changing { .. })));
    assert!(tree.snapshots().is_empty());
}

#[test]
fn concurrent_takes_make_one_copy() {
    let tree = Fixture::new();
    for at in 0..50 {
        tree.write(&format!("folder{}/file{at}", at % 7), &at.to_string());
    }
    let run = |_| take(&tree.root, &tree.layout, &tree.globs).unwrap();
    let trees: Vec<Tree> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|at| scope.spawn(move || run(at))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(tree.snapshots(), [trees[0].copy_id().to_string()]);
    assert_same(&trees[0], &tree.copy(&trees[0]));
    assert!(Index::load(&tree.layout.snapshot_index(&tree.root)).is_some());
}
