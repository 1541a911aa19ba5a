//! A project on the fixtures that stand in for nixpkgs and microvm.nix.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::project::{NIX_CONFIG, Project, nix, ran};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");

/// The project's flake: the inputs that a guest is made from, and a dev shell.
const FLAKE: &str = r#"{
  inputs.nixpkgs.url = "path:NIXPKGS";
  inputs.microvm.url = "path:MICROVM";
  outputs = { nixpkgs, ... }: {
    devShells.x86_64-linux.default =
      let pkgs = nixpkgs.legacyPackages.x86_64-linux;
      in pkgs.mkShell { packages = [ pkgs.gnumake ]; };
    devShells.aarch64-linux.default = { };
  };
}"#;

/// Returns the folder of the fixture nixpkgs, made once.
pub fn nixpkgs() -> &'static Path {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    MADE.get_or_init(|| {
        let to = Path::new(env!("CARGO_TARGET_TMPDIR")).join("nixpkgs");
        ran(Command::new(Path::new(FIXTURES).join("nixpkgs/assemble.sh")).arg(&to)).exits(0);
        to
    })
}

/// Makes a project with this job file whose flake.lock names the fixtures.
pub fn project(job_file: &str) -> Project {
    let microvm = format!("{FIXTURES}/microvm");
    let flake = FLAKE.replace("NIXPKGS", nixpkgs().to_str().unwrap()).replace("MICROVM", &microvm);
    let project = Project::new(job_file).file("flake.nix", &flake);
    let mut lock = Command::new(nix("oldest"));
    lock.args(["flake", "lock"]).current_dir(project.path("")).env("NIX_CONFIG", NIX_CONFIG);
    ran(&mut lock).exits(0);
    project
}
