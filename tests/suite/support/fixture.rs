//! A project on the fixtures for nixpkgs and microvm.nix.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::support::project::{NIX_CONFIG, Project, ran};
use crate::support::tools::nix;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");

/// The folder of the fixture microvm.nix.
pub const MICROVM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/microvm");

/// The project's flake: the inputs of a guest, and a dev shell.
const FLAKE: &str = r#"{
  inputs.nixpkgs.url = "path:NIXPKGS";
  inputs.microvm.url = "path:MICROVM";
  outputs = { nixpkgs, ... }: {
    devShells = builtins.mapAttrs (_: pkgs: { default = pkgs.mkShell { packages = [ pkgs.gnumake ]; }; }) {
      inherit (nixpkgs.legacyPackages) aarch64-linux x86_64-linux;
    };
  };
}"#;

/// Returns the folder of the fixture nixpkgs, which is created once.
pub fn nixpkgs() -> &'static Path {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    MADE.get_or_init(|| assemble("nixpkgs", &[]))
}

/// Returns the folder of a nixpkgs that also has the crates of pikaci, which is created once.
pub fn nixpkgs_with_crates() -> &'static Path {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    MADE.get_or_init(|| assemble("nixpkgs-with-crates", &["crates"]))
}

fn assemble(name: &str, parts: &[&str]) -> PathBuf {
    let to = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    ran(Command::new(Path::new(FIXTURES).join("nixpkgs/assemble.sh")).arg(&to).args(parts)).exits(0);
    to
}

/// Creates a project with this job file; its flake.lock names the fixtures.
pub fn project(job_file: &str) -> Project {
    project_on(job_file, nixpkgs().to_str().unwrap(), MICROVM)
}

/// Returns a reference to a folder. Nix copies a repository only when it changed, and any other folder every time.
pub fn reference(folder: &str) -> String {
    let kind = if Path::new(folder).join(".git").exists() { "git+file://" } else { "path:" };
    format!("{kind}{folder}")
}

/// Creates a project with this job file; its flake.lock names this nixpkgs and microvm.nix.
pub fn project_on(job_file: &str, nixpkgs: &str, microvm: &str) -> Project {
    let flake = FLAKE.replace("path:NIXPKGS", &reference(nixpkgs)).replace("path:MICROVM", &reference(microvm));
    let project = Project::with_nix(job_file).file("flake.nix", &flake).allowing_local_inputs();
    let mut lock = Command::new(nix("oldest"));
    lock.args(["flake", "lock"]).current_dir(project.path("")).env("NIX_CONFIG", NIX_CONFIG);
    ran(&mut lock).exits(0);
    project
}

/// Variable with the folder of the real nixpkgs.
#[cfg(feature = "real-inputs")]
pub const NIXPKGS: &str = "PIKACI_TEST_NIXPKGS";
/// Variable with the folder of the real microvm.nix.
#[cfg(feature = "real-inputs")]
pub const REAL_MICROVM: &str = "PIKACI_TEST_MICROVM";
/// Variable with the folder of the real nix-darwin.
#[cfg(feature = "real-inputs")]
pub const NIX_DARWIN: &str = "PIKACI_TEST_NIX_DARWIN";

/// Returns the folder of a real input.
#[cfg(feature = "real-inputs")]
#[track_caller]
pub fn real(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| panic!("{variable} must name a folder with the sources"))
}
