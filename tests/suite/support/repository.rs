//! The flake of this repository in a folder of its own, on a nixpkgs of Debian packages that compiles Rust.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::support::fixture;
use crate::support::project::{NIX_CONFIG, ran};
use crate::support::tools::nix;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// The tested versions of Nix.
pub const NIXES: [&str; 2] = ["oldest", "newest"];

/// Returns a reference to the nixpkgs.
pub fn nixpkgs() -> String {
    format!("path:{}", fixture::nixpkgs_with_crates().display())
}

/// Returns the settings of Nix for a build there: the sandbox has the compilers of this machine, and this machine
/// claims to have KVM.
pub fn config() -> String {
    let rust = ran(Command::new("rustc").args(["--print", "sysroot"]).current_dir(ROOT)).exits(0).stdout;
    format!(
        "{NIX_CONFIG}extra-sandbox-paths = /usr /lib=/usr/lib /lib64=/usr/lib64 /rust={}\nsystem-features = kvm\n",
        rust.trim()
    )
}

/// Returns the command `nix WORDS`.
pub fn command(version: &str, words: &[&str]) -> Command {
    // The build compiles for minutes, and other tests have deadlines.
    let mut command = Command::new("nice");
    command.args(["-n", "19"]).arg(nix(version)).args(words).env("NIX_CONFIG", config()).stdin(Stdio::null());
    command
}

/// The files that git tracks or would add, in a folder of their own.
pub struct Flake {
    folder: TempDir,
}

impl Flake {
    /// Copies the files.
    pub fn new() -> Self {
        let folder = TempDir::with_prefix("pikaci-flake-").unwrap();
        let copy = "git ls-files -co --exclude-standard -z | xargs -0 cp --parents -t \"$0\"";
        ran(Command::new("sh").args(["-euc", copy]).arg(folder.path()).current_dir(ROOT)).exits(0);
        Self { folder }
    }

    /// Returns the reference of the flake.
    pub fn reference(&self) -> String {
        format!("path:{}", self.folder.path().display())
    }

    /// Returns a path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Replaces a text in a file.
    #[track_caller]
    pub fn edit(&self, name: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(name)).unwrap();
        assert!(text.contains(from), "{name} doesn't contain {from}");
        fs::write(self.path(name), text.replace(from, to)).unwrap();
    }

    /// Returns the command `nix SUBCOMMAND ARGS` in the folder.
    pub fn command(&self, version: &str, subcommand: &str, args: &[&str]) -> Command {
        let mut command = command(version, &subcommand.split(' ').collect::<Vec<_>>());
        command.args(["--no-write-lock-file", "--override-input", "nixpkgs", &nixpkgs()]).args(args);
        command.current_dir(self.folder.path());
        command
    }

    /// Returns the same command for the flake of a project with this flake as an input.
    pub fn used(&self, version: &str, subcommand: &str, args: &[&str]) -> Command {
        let inputs = ["--override-input", "pikaci", &self.reference()];
        self.command(version, subcommand, &[&inputs, args].concat())
    }

    /// Runs `nix SUBCOMMAND ARGS` and returns its output.
    #[track_caller]
    pub fn nix(&self, version: &str, subcommand: &str, args: &[&str]) -> String {
        ran(&mut self.command(version, subcommand, args)).exits(0).stdout
    }

    /// Builds an output and returns its path.
    pub fn build(&self, output: &str) -> PathBuf {
        let out = self.nix("oldest", "build", &["--no-link", "--print-out-paths", &format!("path:.#{output}")]);
        PathBuf::from(out.trim())
    }
}
