//! Targets that read a source tree, a snapshot or a state folder.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use pikaci::config::SnapshotGlobs;
use pikaci::snapshot::{EntryKind, is_repository_top, is_unchanged, read_tree, take};
use pikaci::state::{self, StateLayout};
use tempfile::TempDir;

/// The longest file `.git` that is read, in bytes.
const GIT_FILE: usize = 16 << 10;
/// Everything that a listing of the tree of [`ignore_rules`] may have.
const LISTED: [&str; 9] =
    [".gitignore", "a", "a/.gitignore", "a/b", "a/b/file.c", "a/file.c", "empty", "file.c", "link"];

/// A file `.git` leads to a repository only if it names a folder that has a HEAD.
pub fn git_file(bytes: &[u8]) {
    let place = TempDir::new().unwrap();
    let (tree, repository) = (place.path().join("tree"), place.path().join("repository"));
    for folder in [&tree, &repository] {
        fs::create_dir(folder).unwrap();
    }
    fs::write(repository.join("HEAD"), "ref: refs/heads/main\n").unwrap();
    fs::write(tree.join(".git"), bytes).unwrap();
    let name = bytes.strip_prefix(b"gitdir: ").filter(|_| bytes.len() <= GIT_FILE);
    let named = name.and_then(|name| tree.join(OsStr::from_bytes(name.trim_ascii_end())).canonicalize().ok());
    assert_eq!(is_repository_top(&tree), named.is_some_and(|folder| folder.join("HEAD").exists()));
}

/// A listing without git has entries of the tree alone, whatever the ignore rules of its folders are.
pub fn ignore_rules(bytes: &[u8]) {
    let place = TempDir::new().unwrap();
    let root = place.path().join("tree");
    for folder in [".jj", "a/b", "empty", "../outside"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    for file in [".jj/file.c", "a/b/file.c", "a/file.c", "file.c", "../outside/file.c"] {
        fs::write(root.join(file), file).unwrap();
    }
    symlink("../outside", root.join("link")).unwrap();
    // The rules of a folder, a zero, and those of a folder in it.
    let mut rules = bytes.splitn(2, |byte| *byte == 0);
    for file in [".gitignore", "a/.gitignore"] {
        fs::write(root.join(file), rules.next().unwrap_or_default()).unwrap();
    }
    let tree = read_tree(&root, &StateLayout::new(place.path().join("state")), &SnapshotGlobs::default()).unwrap();
    for entry in tree.entries() {
        let path = entry.path().to_str().unwrap();
        assert!(LISTED.contains(&path), "{path}");
        assert_eq!(matches!(entry.kind, EntryKind::Symlink { .. }), path == "link", "{path}");
    }
}

/// No seal but the written one fits a snapshot.
pub fn seal(bytes: &[u8]) {
    let place = TempDir::new().unwrap();
    let root = place.path().join("tree");
    fs::create_dir(&root).unwrap();
    fs::write(root.join("file"), "content").unwrap();
    let layout = state::open(&place.path().join("state")).unwrap();
    let tree = take(&root, &layout, &SnapshotGlobs::default()).unwrap();
    let path = layout.snapshot_seal(tree.copy_id());
    let written = fs::read(&path).unwrap();
    let changed = written.iter().zip(bytes).map(|(one, other)| one ^ other).collect();
    for seal in [written.clone(), bytes.to_vec(), [&written, bytes].concat(), [bytes, &written].concat(), changed] {
        fs::write(&path, &seal).unwrap();
        assert_eq!(is_unchanged(tree.copy_id(), &[b"file"], &layout), seal == written, "{seal:?}");
    }
}

/// A state folder of another version is refused by everything that opens one, and stays as it is.
pub fn state_version(bytes: &[u8]) {
    let folder = TempDir::new().unwrap();
    let root = folder.path();
    let version = StateLayout::new(root.to_owned()).version();
    fs::write(&version, bytes).unwrap();
    let is_own = bytes.len() <= 64 && bytes.trim_ascii() == b"1";
    let opened = [
        state::check(root),
        state::open(root).map(drop),
        state::open_existing(root).map(drop),
        state::open_read_only(root).map(drop),
    ];
    for opened in opened {
        assert_eq!(opened.is_ok(), is_own, "{opened:?}");
    }
    assert_eq!(fs::read(&version).unwrap(), bytes);
    let entries: Vec<PathBuf> = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(entries, [version.to_path_buf()]);
}
