//! Copies of real folders.
#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "makes the folders to copy")]

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use rustix::fs::{Mode, OFlags, mkdirat, openat};
use rustix::process::getuid;

use super::copy_tree::copy_tree;
use super::make_private_copy;
use crate::state::remove_tree;

/// User id without an account on this machine.
const PLAIN_USER: u32 = 1234;

/// Mode, time of the last change, and content or target.
type Entry = (u32, SystemTime, Option<Vec<u8>>);

/// Returns all entries of a tree, by path.
fn entries(tree: &Path) -> BTreeMap<PathBuf, Entry> {
    let mut entries = BTreeMap::new();
    let mut paths = vec![tree.to_owned()];
    while let Some(path) = paths.pop() {
        let meta = fs::symlink_metadata(&path).unwrap();
        let content = if meta.is_dir() {
            paths.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            None
        } else if meta.is_symlink() {
            Some(fs::read_link(&path).unwrap().as_os_str().as_bytes().to_vec())
        } else {
            Some(fs::read(&path).unwrap())
        };
        let entry = (meta.mode(), meta.modified().unwrap(), content);
        entries.insert(path.strip_prefix(tree).unwrap().to_owned(), entry);
    }
    entries
}

/// Creates a tree with entries of every kind, in folders without write permission.
fn make_tree(tree: &Path) {
    fs::create_dir_all(tree.join("folder/inner")).unwrap();
    fs::create_dir(tree.join("empty")).unwrap();
    // The file systems of macOS take no other names than UTF-8.
    let strange = if cfg!(target_os = "macos") { "ä".as_bytes() } else { b"\xff" };
    let files: [(&[u8], &[u8], u32); 5] = [
        (b"plain", b"plain\n", 0o644),
        (b"folder/program", b"#!/bin/sh\n", 0o755),
        (b"folder/inner/read-only", &[7; 10_000], 0o444),
        (b"with\nnewline", b"", 0o600),
        (strange, b"strange", 0o640),
    ];
    for (name, content, mode) in files {
        let path = tree.join(OsStr::from_bytes(name));
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let old = SystemTime::UNIX_EPOCH + Duration::new(1_000_000_000, 123_456_000);
        File::open(&path).unwrap().set_modified(old).unwrap();
    }
    for (name, target) in [("link", "plain"), ("folder/up", ".."), ("dangling", "no/where"), ("root", "/")] {
        symlink(target, tree.join(name)).unwrap();
    }
    for (folder, mode) in [("folder/inner", 0o555), ("folder", 0o500), ("empty", 0o711), ("", 0o555)] {
        let folder = tree.join(folder);
        File::open(&folder).unwrap().set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(5)).unwrap();
        fs::set_permissions(&folder, Permissions::from_mode(mode)).unwrap();
    }
}

/// Returns true if this process has no root rights. Otherwise runs the test as a plain user, in a process of its own.
fn is_plain_user(test: &str) -> bool {
    if !getuid().is_root() {
        return true;
    }
    let folder = tempfile::tempdir().unwrap();
    let binary = folder.path().join("tests");
    // Copied by a process of its own: a program that a child of another test holds open for writing can't be run.
    assert!(Command::new("cp").arg(std::env::current_exe().unwrap()).arg(&binary).status().unwrap().success());
    for path in [folder.path(), &binary] {
        chown(path, Some(PLAIN_USER), Some(PLAIN_USER)).unwrap();
    }
    let mut again = Command::new(&binary);
    again.args(["--exact", &format!("execute::private_copy::tests::{test}")]).uid(PLAIN_USER).gid(PLAIN_USER);
    let output = again.env("TMPDIR", folder.path()).current_dir(folder.path()).output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && printed.contains("1 passed"), "{printed}");
    false
}

#[test]
fn a_copy_is_like_the_original_and_can_be_removed() {
    if !is_plain_user("a_copy_is_like_the_original_and_can_be_removed") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("from"), folder.path().join("to"));
    make_tree(&from);
    make_private_copy(&from, &to, None).unwrap();
    assert_eq!(entries(&from), entries(&to));
    assert_eq!(entries(&to).len(), 13);
    for tree in [from, to] {
        fs::remove_dir_all(&tree).unwrap_err();
        remove_tree(&tree).unwrap();
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_change_of_the_copy_leaves_the_original_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("from"), folder.path().join("to"));
    fs::create_dir_all(from.join("folder")).unwrap();
    for name in ["file", "linked", "folder/file", "gone"] {
        fs::write(from.join(name), vec![b'x'; 200_000]).unwrap();
    }
    fs::remove_file(from.join("linked")).unwrap();
    fs::hard_link(from.join("file"), from.join("linked")).unwrap();
    let before = entries(&from);
    make_private_copy(&from, &to, None).unwrap();
    fs::write(to.join("file"), "changed").unwrap();
    fs::write(to.join("folder/new"), "new").unwrap();
    fs::set_permissions(to.join("folder/file"), Permissions::from_mode(0o777)).unwrap();
    fs::remove_file(to.join("gone")).unwrap();
    assert_eq!(entries(&from), before);
    assert_eq!(fs::read(to.join("linked")).unwrap().len(), 200_000);
}

#[test]
fn files_behind_a_link_stay_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let outside = folder.path().join("outside");
    let (from, to) = (folder.path().join("from"), folder.path().join("to"));
    fs::create_dir_all(&outside).unwrap();
    fs::write(outside.join("file"), "outside").unwrap();
    let before = (entries(&outside), fs::metadata(&outside).unwrap().uid());
    fs::create_dir(&from).unwrap();
    symlink(&outside, from.join("folder")).unwrap();
    symlink(outside.join("file"), from.join("file")).unwrap();
    let owner = if getuid().is_root() { PLAIN_USER } else { getuid().as_raw() };
    make_private_copy(&from, &to, Some(owner)).unwrap();
    assert!(to.join("folder").is_symlink() && to.join("file").is_symlink());
    remove_tree(&to).unwrap();
    assert_eq!((entries(&outside), fs::metadata(&outside).unwrap().uid()), before);
    let error = format!("{:#}", remove_tree(&from.join("folder")).unwrap_err());
    assert!(error.ends_with("from/folder is not a folder"), "{error}");
    assert_eq!(entries(&outside), before.0);
}

#[test]
fn all_of_a_copy_belongs_to_its_owner() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("from"), folder.path().join("to"));
    make_tree(&from);
    if !getuid().is_root() {
        let error = format!("{:#}", make_private_copy(&from, &to, Some(0)).unwrap_err());
        assert!(error.starts_with("giving ") && error.contains(" to user 0: "), "{error}");
        return;
    }
    make_private_copy(&from, &to, Some(PLAIN_USER)).unwrap();
    assert_eq!(entries(&from), entries(&to));
    for path in entries(&to).into_keys() {
        let meta = fs::symlink_metadata(to.join(&path)).unwrap();
        assert_eq!((meta.uid(), meta.gid()), (PLAIN_USER, PLAIN_USER), "{}", path.display());
    }
}

#[test]
fn an_error_names_the_entry_that_cannot_be_copied() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir_all(path("from/folder")).unwrap();
    fs::create_dir(path("there")).unwrap();
    let error_of = |from: &str, to: &str| format!("{:#}", make_private_copy(&path(from), &path(to), None).unwrap_err());
    assert!(error_of("none", "to").contains(&path("none").display().to_string()), "{}", error_of("none", "to"));
    assert!(error_of("from", "there").contains(&path("there").display().to_string()), "{}", error_of("from", "there"));
    let fifo = path("from/folder/fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let error = format!("{:#}", copy_tree(&path("from"), &path("to")).unwrap_err());
    assert_eq!(error, format!("{} is neither file, folder nor symbolic link", fifo.display()));
}

#[test]
fn every_tree_of_a_guest_can_be_removed() {
    if !is_plain_user("every_tree_of_a_guest_can_be_removed") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let tree = folder.path().join("tree");
    fs::create_dir(&tree).unwrap();
    // The whole path is longer than a path may be, and so many folders can't be open at once.
    let mut innermost = File::open(&tree).unwrap();
    for _ in 0..5000 {
        mkdirat(&innermost, "0", Mode::RWXU).unwrap();
        innermost = openat(&innermost, "0", OFlags::DIRECTORY, Mode::empty()).unwrap().into();
    }
    for name in [".tmp-", "1", "0-0", "closed"] {
        fs::DirBuilder::new().mode(0o700).create(tree.join(name)).unwrap();
        fs::write(tree.join(name).join("0"), name).unwrap();
        fs::set_permissions(tree.join(name), Permissions::from_mode(0o000)).unwrap();
    }
    fs::set_permissions(&tree, Permissions::from_mode(0o111)).unwrap();
    remove_tree(&tree).unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
