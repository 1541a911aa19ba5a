//! The files at the top of a project.

use std::collections::{BTreeMap, BTreeSet};

/// Names of the files that are read if a project has them.
pub const READ_FILES: [&str; 20] = [
    ".node-version",
    ".nvmrc",
    ".python-version",
    "CMakeLists.txt",
    "Cargo.lock",
    "Cargo.toml",
    "GNUmakefile",
    "Makefile",
    "flake.nix",
    "go.mod",
    "makefile",
    "meson.build",
    "package.json",
    "pyproject.toml",
    "requirements.txt",
    "rust-toolchain",
    "rust-toolchain.toml",
    "setup.cfg",
    "setup.py",
    "tox.ini",
];

/// Names at the top of a project, and the text of the files that describe its builds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// Names of the files and folders that a job would see.
    pub names: BTreeSet<String>,
    /// Texts of the files of [`READ_FILES`].
    pub texts: BTreeMap<String, String>,
}

impl Survey {
    /// Returns whether the flake of the project has a dev shell and a lock, of which guests can be made.
    #[must_use]
    pub fn has_dev_shell(&self) -> bool {
        self.text("flake.nix").is_some_and(|text| text.contains("devShell")) && self.has("flake.lock")
    }

    /// Returns whether the project has a file or folder of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// Returns the text of a file.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.texts.get(name).map(String::as_str)
    }

    /// Returns a note about the version on the first line of a file.
    pub(super) fn version_file(&self, name: &str) -> Option<String> {
        version_note(name, self.text(name)?.lines().next()?)
    }
}

/// Returns a note about the version of a toolchain that a file names. A text that doesn't look like a version has none.
pub(super) fn version_note(file: &str, version: &str) -> Option<String> {
    let version = version.trim();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || " .+-_^~<>=*|/".contains(c);
    let is_version = (1..=40).contains(&version.len()) && version.chars().all(is_plain);
    is_version.then(|| format!("{file} names version {version}."))
}
