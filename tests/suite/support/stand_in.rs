//! Programs that replace those of the machine on PATH.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::support::tools::{tool, write_program};

/// A Nix of a supported version that fails to build anything.
pub const FAILING_NIX: &str =
    r#"case "$1" in --version) echo "nix (Nix) 2.99.0" ;; *) echo "this nix builds nothing" >&2; exit 1 ;; esac"#;

/// A folder of programs.
pub struct StandIns {
    folder: TempDir,
}

impl StandIns {
    /// Creates an empty folder, which other users may read.
    pub fn new() -> Self {
        let folder = TempDir::with_prefix("pikaci-bin-").unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        Self { folder }
    }

    /// Adds a shell script.
    pub fn script(self, name: &str, text: &str) -> Self {
        self.program(name, format!("#!/bin/sh\n{text}\n").as_bytes())
    }

    /// Adds a program by its content.
    pub fn program(self, name: &str, content: &[u8]) -> Self {
        write_program(&self.path(name), content);
        self
    }

    /// Adds a unique busybox, so that a runner with it is unique too.
    pub fn own_busybox(self) -> Self {
        let mut content = fs::read(tool("busybox")).unwrap();
        // Bytes behind the end of an ELF file have no meaning.
        content.extend(self.folder.path().as_os_str().as_encoded_bytes());
        self.program("busybox", &content)
    }

    /// Adds the machine's own program.
    #[track_caller]
    pub fn own(self, name: &str) -> Self {
        symlink(tool(name), self.path(name)).unwrap();
        self
    }

    /// Returns the path of a program.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Puts these programs first in the PATH of a command.
    pub fn before(&self, mut command: Command) -> Command {
        let set = command.get_envs().find(|(name, _)| *name == OsStr::new("PATH")).and_then(|(_, value)| value);
        let others: Vec<PathBuf> = std::env::split_paths(set.unwrap()).collect();
        let path = std::env::join_paths(std::iter::once(self.folder.path().to_owned()).chain(others)).unwrap();
        command.env("PATH", path);
        command
    }

    /// Makes these programs the only ones in the PATH of a command.
    pub fn alone(&self, mut command: Command) -> Command {
        command.env("PATH", self.folder.path());
        command
    }
}

/// Returns a script that records each call in a file before it runs the real program.
pub fn noting(program: &Path, notes: &Path) -> String {
    format!("echo \"$*\" >>'{}'\nexec '{}' \"$@\"", notes.display(), program.display())
}
