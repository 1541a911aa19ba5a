//! Source trees in temporary folders.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use crate::config::SnapshotGlobs;
use crate::snapshot::walk::{EXCLUDED_NAMES, walk};
use crate::snapshot::{EntryKind, Tree, read_tree, take};
use crate::state::{self, StateLayout};

/// A source tree in a temporary folder, with a state folder beside it.
pub(super) struct Fixture {
    _folder: tempfile::TempDir,
    pub(super) root: PathBuf,
    pub(super) layout: StateLayout,
    pub(super) globs: SnapshotGlobs,
}

impl Fixture {
    /// Makes an empty tree.
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap().join("source");
        fs::create_dir(&root).unwrap();
        let layout = state::open(&folder.path().join("state")).unwrap();
        Self { _folder: folder, root, layout, globs: SnapshotGlobs::default() }
    }

    /// Makes a git repository without a commit.
    pub(super) fn repository() -> Self {
        let fixture = Self::new();
        fixture.init("");
        fixture
    }

    /// Makes a git repository with a submodule `lib` that holds one file.
    pub(super) fn with_submodule(file: &str) -> Self {
        let fixture = Self::new();
        fixture.init("../library");
        fixture.write(&format!("../library/{file}"), "");
        fixture.commit("../library");
        fixture.init("");
        fixture.git("", &["submodule", "-q", "add", "../library", "lib"]);
        fixture.commit("");
        fixture
    }

    pub(super) fn init(&self, folder: &str) {
        self.folder(folder);
        self.git(folder, &["init", "-q", "-b", "main"]);
        // Settings of the user who runs the tests must not matter.
        let settings = [("user.name", "T"), ("user.email", "t@example.org"), ("core.excludesFile", "/dev/null")];
        for (name, value) in settings {
            self.git(folder, &["config", name, value]);
        }
    }

    pub(super) fn git(&self, folder: &str, args: &[&str]) {
        let output = Command::new("git")
            .args(["-c", "protocol.file.allow=always"])
            .args(args)
            .current_dir(self.root.join(folder))
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .output()
            .unwrap();
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    pub(super) fn commit(&self, folder: &str) {
        self.git(folder, &["add", "-A"]);
        self.git(folder, &["commit", "-q", "--allow-empty", "-m", "work"]);
    }

    pub(super) fn folder(&self, path: &str) {
        fs::create_dir_all(self.root.join(path)).unwrap();
    }

    pub(super) fn write(&self, path: &str, text: &str) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(super) fn link(&self, target: &str, path: &str) {
        std::os::unix::fs::symlink(target, self.root.join(path)).unwrap();
    }

    pub(super) fn make_executable(&self, path: &str) {
        fs::set_permissions(self.root.join(path), fs::Permissions::from_mode(0o700)).unwrap();
    }

    pub(super) fn mtime(&self, path: &str) -> SystemTime {
        fs::metadata(self.root.join(path)).unwrap().modified().unwrap()
    }

    pub(super) fn set_mtime(&self, path: &str, time: SystemTime) {
        File::options().write(true).open(self.root.join(path)).unwrap().set_modified(time).unwrap();
    }

    pub(super) fn remove(&self, path: &str) {
        fs::remove_file(self.root.join(path)).unwrap();
    }

    pub(super) fn read(&self) -> Tree {
        read_tree(&self.root, &self.layout, &self.globs).unwrap()
    }

    pub(super) fn take(&self) -> Tree {
        take(&self.root, &self.layout, &self.globs).unwrap()
    }

    /// Returns the paths of the tree.
    pub(super) fn paths(&self) -> Vec<String> {
        self.read().entries().iter().map(|entry| String::from_utf8_lossy(&entry.path).into_owned()).collect()
    }

    /// Returns the path of a tree's snapshot.
    pub(super) fn copy(&self, tree: &Tree) -> PathBuf {
        self.layout.snapshot(tree.copy_id()).to_path_buf()
    }

    pub(super) fn snapshots(&self) -> Vec<String> {
        let entries = fs::read_dir(self.layout.snapshots()).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

/// Asserts that a copy has the content of the tree, by reading it in another way than it was written.
pub(super) fn assert_same(tree: &Tree, copy: &Path) {
    for entry in tree.entries() {
        let (from, to) = (tree.root().join(entry.path()), copy.join(entry.path()));
        let meta = fs::symlink_metadata(&to).unwrap();
        match &entry.kind {
            EntryKind::File { executable, .. } => {
                assert_eq!(fs::read(&from).unwrap(), fs::read(&to).unwrap(), "{}", to.display());
                assert_eq!(meta.permissions().mode() & 0o7777, if *executable { 0o755 } else { 0o644 });
            }
            EntryKind::Symlink { .. } => assert_eq!(fs::read_link(&from).unwrap(), fs::read_link(&to).unwrap()),
            EntryKind::EmptyFolder => assert!(meta.is_dir() && fs::read_dir(&to).unwrap().next().is_none()),
        }
    }
    let listed = walk(copy, None, &EXCLUDED_NAMES).unwrap();
    assert_eq!(listed.len(), tree.entries().len());
}
